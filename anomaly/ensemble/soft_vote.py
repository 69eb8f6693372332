"""The mean of the members' probabilities (Kittler et al., "On Combining Classifiers", 1998)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anomaly.ensemble.combiner import equal


def build() -> SoftVote:
    """A combiner without settings."""
    return SoftVote()


def load(arrays: Mapping[str, np.ndarray]) -> SoftVote:
    """The fitted combiner that gave these arrays."""
    combiner = SoftVote()
    combiner.weights = arrays["weights"]
    return combiner


class SoftVote:
    """Every member counts alike, by how sure it is."""

    weights: np.ndarray

    def fit(self, probas: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Nothing is learned; see `Combiner`."""
        self.weights = equal(len(probas))
        return self.combine(probas)

    def combine(self, probas: np.ndarray) -> np.ndarray:
        """(n, c) from (m, n, c)."""
        return probas.mean(0)

    def arrays(self) -> dict[str, np.ndarray]:
        """What `load` takes."""
        return {"weights": self.weights}
