"""The files of what was learned: the model, how it learned, and what it looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anomaly.cache.store import Cache
from anomaly.data.images import load_images
from anomaly.plots.augmented import augmented_images
from anomaly.plots.curves import training_curves
from anomaly.run.evaluate import save
from anomaly.tracking.model import write_model
from anomaly.tracking.record import curves
from anomaly.types import Dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from anomaly.augment.policy import Policy
    from anomaly.model.learner import Learner

VERSIONS = 6  # of an image in the picture of the augmentation
OVERLAY = 256  # side of a pictured image, pixels


def write(folder: Path, learner: Learner, dataset: Dataset, augment: Policy, cache: Cache) -> None:
    """The model, also in MLflow's format where Keras made it, and how it learned."""
    save(folder, "training_curves", training_curves(curves(folder), "training"))
    versions = None if learner.augments_anew else augment.versions(dataset.train.labels)
    save(folder, "augmentation", _augmentation(dataset, augment, versions, cache))
    if learner.model is None:  # the model last: once it is saved, its checkpoints are gone
        learner.save(folder / "model")
    else:
        learner.save(write_model(folder / "model", learner.model))


def _augmentation(
    dataset: Dataset, augment: Policy, versions: np.ndarray | None, cache: Cache
) -> Figure:
    """Some of each class: `versions` are how many of each image, None where each epoch makes new ones."""
    rows, captions = [], []
    for label, name in enumerate(dataset.classes):
        index = int(np.flatnonzero(dataset.train.labels == label)[0])
        sample = dataset.train.samples[index]
        count = VERSIONS if versions is None else int(versions[index])
        image = load_images([sample.image], OVERLAY, cache)[0]
        blank = np.zeros(image.shape[:2], bool)
        shown = range(min(count, VERSIONS))
        rows.append([augment.apply(image, blank, sample.id, k)[0] for k in shown])
        captions.append(f"{name}: {sample.id}, {_many(versions is None, count)}")
    return augmented_images(rows, captions, "augmentation of the train part")


def _many(anew: bool, count: int) -> str:
    if anew:
        return "a new version in each epoch"
    return f"{count} version{'s' * (count > 1)} in training"
