"""The contract of every learner, and how it reports its progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import keras

from anomaly.config.schema import TrainerConfig
from anomaly.types import Image, Predictions, Split


class Report(Protocol):
    """Takes the figures of one epoch; learners call it, tracking and the terminal listen."""

    def __call__(self, epoch: int, values: Mapping[str, float]) -> None: ...


class Learner(Protocol):
    """Learns from train, chooses on validate, and judges any photo."""

    reads: frozenset[str]  # of the config's backbone, augment, optimizer and trainer, what it uses
    tells: frozenset[str]  # of types, score, heat and instances, what its predictions say
    augments_anew: bool  # whether each epoch sees a new version of an image, and not some again
    model: keras.Model | None  # of RGB 0-255, for whoever wants it without us

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Learn from `train`; whatever is chosen among is chosen on `validate`."""
        ...

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """What it says of photos, in their order, on a square of `grid` pixels.

        It needs no label, no mask, no MLflow, and no cache on disk.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `anomaly.model.load` needs; no pickle."""
        ...
