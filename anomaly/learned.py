"""The files of what was learned: the model, how it learned, and what it looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anomaly.data.cache import Cache
from anomaly.data.images import load_images
from anomaly.plots.copies import copies
from anomaly.plots.curves import training_curves
from anomaly.results import save
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
    save(folder, "augmentation", _augmentation(dataset, augment, cache))
    if learner.model is None:  # the model last: once it is saved, its checkpoints are gone
        learner.save(folder / "model")
    else:
        learner.save(write_model(folder / "model", learner.model))


def _augmentation(dataset: Dataset, augment: Policy, cache: Cache) -> Figure:
    versions = augment.versions(dataset.train.labels)
    rows, captions = [], []
    for label, name in enumerate(dataset.classes):
        index = int(np.flatnonzero(dataset.train.labels == label)[0])
        sample, count = dataset.train.samples[index], int(versions[index])
        image = load_images([sample], OVERLAY, cache)[0]
        blank = np.zeros(image.shape[:2], bool)
        shown = range(min(count, VERSIONS))
        rows.append([augment.apply(image, blank, sample.id, k)[0] for k in shown])
        many = "version" if count == 1 else "versions"
        captions.append(f"{name}: {sample.id}, {count} {many} in training")
    return copies(rows, captions, "augmentation of the train part")
