"""The contract of every learner, and how it tells of its progress."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import keras

from anomaly.config.schema import TrainerConfig
from anomaly.types import Predictions, Split


class Report(Protocol):
    """Takes the figures of one epoch; learners call it, tracking and the terminal listen."""

    def __call__(self, epoch: int, values: Mapping[str, float]) -> None: ...


class Learner(Protocol):
    """Learns from train, chooses on validate, and predicts any split."""

    has_backbone: bool  # whether it uses the one that the config names
    augments_anew: bool  # whether each epoch sees a new version of an image, and not some again
    model: keras.Model | None  # of RGB 0-255, for whoever wants it without us

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Learn from `train`; whatever is chosen among is chosen on `validate`."""
        ...

    def predict(self, split: Split) -> Predictions:
        """Probabilities, heat maps and instances for every sample, in the order of the split."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs; no pickle."""
        ...
