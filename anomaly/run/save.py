"""Saves a run's training curves and a picture of its augmentation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anomaly.cache.store import Cache
from anomaly.data.images import load_images
from anomaly.plots.augmented import augmented_images
from anomaly.plots.curves import training_curves
from anomaly.run.evaluate import save
from anomaly.tracking.disk.record import curves
from anomaly.types import Dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from anomaly.augment.policy import Policy
    from anomaly.model.learner import Learner

VERSIONS = 6  # shown of each image
SIDE = 256  # of a shown image, pixels


def write(folder: Path, learner: Learner, dataset: Dataset, policy: Policy, cache: Cache) -> None:
    """Save both in a run's folder."""
    save(folder, "training_curves", training_curves(curves(folder), "training"))
    if "augment" in learner.reads:
        _save_augmentation(folder, learner, dataset, policy, cache)


def _save_augmentation(
    folder: Path, learner: Learner, dataset: Dataset, policy: Policy, cache: Cache
) -> None:
    """Versions of one image of each class, as training sees them."""
    versions = None if learner.augments_each_epoch else policy.versions(dataset.train.labels)
    save(folder, "augmentation", _augmentation(dataset, policy, versions, cache))


def _augmentation(
    dataset: Dataset, policy: Policy, versions: np.ndarray | None, cache: Cache
) -> Figure:
    """Versions of one image of each class.

    Args:
        versions: (n,) how many each training image has; None where each epoch makes new ones.
    """
    rows, captions = [], []
    for label, name in enumerate(dataset.classes):
        index = int(np.flatnonzero(dataset.train.labels == label)[0])
        sample = dataset.train.samples[index]
        count = VERSIONS if versions is None else int(versions[index])
        image = load_images([sample.image], SIDE, cache)[0]
        blank = np.zeros(image.shape[:2], bool)
        shown = range(min(count, VERSIONS))
        rows.append([policy.apply(image, blank, sample.id, k)[0] for k in shown])
        captions.append(f"{name}: {sample.id}, {_many(versions is None, count)}")
    return augmented_images(rows, captions, "augmentation of the train split")


def _many(endless: bool, count: int) -> str:
    if endless:
        return "a new version in each epoch"
    return f"{count} version{'s' * (count > 1)} in training"
