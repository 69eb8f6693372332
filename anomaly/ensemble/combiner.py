"""The contract of every combiner.

A combiner NAME is a module `anomaly/ensemble/NAME` with two functions: `build`, whose arguments are
those of conf/ensemble/NAME.yaml, and `load(arrays)`, the fitted combiner that gave `arrays()`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Combiner(Protocol):
    """Combines the probabilities of members: `fit` sees validate, `combine` the images to judge."""

    weights: np.ndarray  # (m,) 0 or more, sum 1: each member's part in heat maps and instances

    def fit(self, probas: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Learn from the members' (m, n, c) validate probabilities and the (n,) labels.

        Returns:
            (n, c) probabilities of the same images, each as if it had not been learned from.
        """
        ...

    def combine(self, probas: np.ndarray) -> np.ndarray:
        """(n, c) probabilities from the members' (m, n, c)."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that `load` needs."""
        ...


def equal(members: int) -> np.ndarray:
    """(m,) weights of members that count alike."""
    return np.full(members, 1 / members)
