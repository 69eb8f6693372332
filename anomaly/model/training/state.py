"""What a training changes as it runs, and copies of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import keras
import numpy as np


@dataclass
class Snapshot:
    """A copy of everything that a training needs to continue, and the figures of its epochs."""

    epochs: list[dict[str, float]] = field(default_factory=list)
    arrays: dict[str, Sequence[np.ndarray]] = field(default_factory=dict)
    best_loss: float = np.inf

    def is_finite(self) -> bool:
        """Whether no array has a NaN or an infinity."""
        return all(np.isfinite(each).all() for group in self.arrays.values() for each in group)


class BestWeights:
    """The weights of the epoch with the lowest loss; for a figure that grows, give minus it."""

    def __init__(self, network: keras.Model) -> None:
        self.network = network
        self.loss = np.inf
        self.weights: list[np.ndarray] | None = None

    def update(self, loss: float) -> None:
        """Keep the current weights if `loss` is the lowest so far."""
        if loss < self.loss:
            self.keep(loss)

    def keep(self, loss: float) -> list[np.ndarray]:
        """Keep the current weights as the best, and return them."""
        self.loss, self.weights = loss, self.network.get_weights()
        return self.weights

    def restore(self) -> None:
        """Give the network its best weights."""
        if self.weights is not None:
            self.network.set_weights(self.weights)


@dataclass
class TrainingState:
    """The variables of a network and its optimizer, and the best weights so far."""

    network: keras.Model
    optimizer: keras.optimizers.Optimizer
    best: BestWeights

    def snapshot(self, epochs: list[dict[str, float]]) -> Snapshot:
        """A copy as of now; `epochs` are the figures of the finished ones."""
        arrays = {name: [np.array(v) for v in group] for name, group in self._groups().items()}
        return Snapshot(list(epochs), {**arrays, "best": self.best.weights or []}, self.best.loss)

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot, including the random state of dropout."""
        self.optimizer.build(self.network.trainable_variables)
        for name, group in self._groups().items():
            for variable, value in zip(group, snapshot.arrays[name], strict=True):
                variable.assign(value)
        self.best.loss, self.best.weights = (
            snapshot.best_loss,
            list(snapshot.arrays["best"]) or None,
        )

    def _groups(self) -> dict[str, Sequence[keras.Variable]]:
        return {"network": self.network.variables, "optimizer": self.optimizer.variables}
