"""The contract of every learner, and of whoever receives the figures of its epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import keras

from anomaly.config.schema import TrainerConfig
from anomaly.types import Image, Predictions, Split


class Report(Protocol):
    """Receives the figures of one epoch: learners call it; tracking, terminal and pruning listen."""

    def __call__(self, epoch: int, values: Mapping[str, float]) -> None: ...


class Learner(Protocol):
    """Learns from train, chooses its thresholds on validate, and judges any image."""

    reads: frozenset[str]  # which of backbone, augment, optimizer and trainer it uses
    tells: frozenset[str]  # which of types, score, heat and instances its predictions contain
    augments_each_epoch: bool  # each epoch has new versions of the images, instead of the same
    model: keras.Model | None  # of RGB 0-255, usable without this package; None without a network

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Learn from `train`; every choice, such as a threshold, is made on `validate`."""
        ...

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """Predictions for images, in their order, on a square of `grid` pixels.

        Needs no label, no mask, no MLflow, and no cache on disk.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `anomaly.model.load` needs; no pickle."""
        ...
