"""The mean of the members' probabilities, each weighted by its accuracy on validate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anomaly.ensemble.combiner import equal


def build() -> WeightedVote:
    """A combiner without settings."""
    return WeightedVote()


def load(arrays: Mapping[str, np.ndarray]) -> WeightedVote:
    """The fitted combiner that gave these arrays."""
    combiner = WeightedVote()
    combiner.weights = arrays["weights"]
    return combiner


class WeightedVote:
    """The better a member was on validate, the more it counts."""

    weights: np.ndarray

    def fit(self, probas: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Weights are accuracies on validate; equal where no member named a single image right.

        One image more or less moves them by little, so validate counts as unseen.
        """
        right = (probas.argmax(-1) == labels).sum(1)
        self.weights = right / right.sum() if right.any() else equal(len(probas))
        return self.combine(probas)

    def combine(self, probas: np.ndarray) -> np.ndarray:
        """(n, c) from (m, n, c)."""
        return np.einsum("m,mnc->nc", self.weights, probas)

    def arrays(self) -> dict[str, np.ndarray]:
        """What `load` takes."""
        return {"weights": self.weights}
