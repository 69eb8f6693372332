"""One member, one vote: the class that most members name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anomaly.ensemble.combiner import equal

TIE = 1e-3  # the part of the mean probability, too small to outweigh a vote


def build() -> HardVote:
    """A combiner without settings."""
    return HardVote()


def load(arrays: Mapping[str, np.ndarray]) -> HardVote:
    """The fitted combiner that gave these arrays."""
    combiner = HardVote()
    combiner.weights = arrays["weights"]
    return combiner


class HardVote:
    """Probabilities are shares of votes.

    Of classes with equally many votes the one with the higher mean probability among all members
    is called; where that is equal too, the first in the order of the classes (good first).
    """

    weights: np.ndarray

    def fit(self, probas: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Nothing is learned; see `Combiner`."""
        self.weights = equal(len(probas))
        return self.combine(probas)

    def combine(self, probas: np.ndarray) -> np.ndarray:
        """(n, c) from (m, n, c)."""
        votes = np.eye(probas.shape[-1])[probas.argmax(-1)].mean(0)
        return (1 - TIE) * votes + TIE * probas.mean(0)

    def arrays(self) -> dict[str, np.ndarray]:
        """What `load` takes."""
        return {"weights": self.weights}
