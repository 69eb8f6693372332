"""The contract of every learner, and of whoever receives the figures of its epochs.

A learner NAME is a module or a package `anomaly/model/NAME` with two functions: `build`, whose
keyword-only arguments are those of conf/model/NAME.yaml and what it needs at run time (of `classes`,
`cache`, `seed`, `backbone`, `augment`, `optimizer`), and `load(folder, cache)`, which reads what the
learner saved. Its folder is recognised by a NAME.json (that of Mask R-CNN by detector.json).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from anomaly.types import Image, Predictions, Split

if TYPE_CHECKING:
    import keras

    from anomaly.config.schema import TrainerConfig


class Report(Protocol):
    """Receives the figures of one epoch: learners call it; tracking, terminal and pruning listen."""

    def __call__(self, epoch: int, values: Mapping[str, float]) -> None: ...


class Graph(NamedTuple):
    """All that was learned, as one network, and what is computed around it when a photo is judged."""

    network: keras.Model  # of (n, s, s, 3) uint8 RGB; the judge of its kind says what it gives
    settings: dict[str, Any]  # that the judge needs too, as JSON takes them


class Learner(Protocol):
    """Learns from train, chooses its thresholds on validate, and judges any image."""

    classes: tuple[str, ...]  # good first
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

    def graph(self, grid: int) -> Graph | None:
        """What is exported to other runtimes; None of a learner without a network."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `anomaly.model.load` needs; no pickle."""
        ...
