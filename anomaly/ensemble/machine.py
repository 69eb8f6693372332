"""A fitted support vector machine as plain arrays, so that it can be kept without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.svm import SVC


@dataclass(frozen=True)
class Machine:
    """Decides as scikit-learn's `SVC` with an RBF kernel, one machine for each pair of classes."""

    support: np.ndarray  # (s, f) float64, the support vectors, one class after the other
    counts: np.ndarray  # (k,) int64, how many are of each class
    coefficients: np.ndarray  # (k - 1, s) float64
    offsets: np.ndarray  # (pairs,) float64
    gamma: np.ndarray  # () float64, of the kernel exp(-gamma * squared distance)
    classes: np.ndarray  # (k,) int64, the classes that it knows

    def arrays(self) -> dict[str, np.ndarray]:
        """What `load` takes."""
        return dict(vars(self))

    def scores(self, x: np.ndarray) -> np.ndarray:
        """(n, k) float64 of (n, f) rows: each class's votes, ties broken by how clear they are.

        As scikit-learn's decision_function_shape="ovr"; of two classes it is the decision itself.
        """
        # Row by row: in a product of several, the last bits depend on how many there are.
        pairs = np.concatenate([self._pairs(self._kernel(row)) for row in x])
        if len(self.classes) == 2:
            return np.stack([-pairs[:, 0], pairs[:, 0]], 1)
        votes, sums = np.zeros((2, len(x), len(self.classes)))
        for decided, (i, j) in zip(pairs.T, combinations(range(len(self.classes)), 2), strict=True):
            sums[:, i] += decided
            sums[:, j] -= decided
            votes[:, i] += decided >= 0
            votes[:, j] += decided < 0
        return votes + sums / (3 * (np.abs(sums) + 1))

    def _kernel(self, row: np.ndarray) -> np.ndarray:
        """(1, s): how near one (f,) row is to each support vector."""
        return np.exp(-self.gamma * ((self.support - row) ** 2).sum(1))[None]

    def _pairs(self, kernel: np.ndarray) -> np.ndarray:
        """(n, pairs) decisions; above 0 speaks for the first of a pair (of two classes: the second)."""
        ends = np.cumsum([0, *self.counts])
        decided = []
        for i, j in combinations(range(len(self.counts)), 2):
            of_i, of_j = (slice(ends[k], ends[k + 1]) for k in (i, j))
            decided.append(
                kernel[:, of_i] @ self.coefficients[j - 1, of_i]
                + kernel[:, of_j] @ self.coefficients[i, of_j]
            )
        return np.stack(decided, 1) + self.offsets


def machine_of(svm: SVC) -> Machine:
    """The arrays of a fitted one, whose gamma is a number."""
    return Machine(
        support=svm.support_vectors_,
        counts=svm.n_support_.astype(np.int64),
        coefficients=svm.dual_coef_,
        offsets=svm.intercept_,
        gamma=np.array(svm.gamma, np.float64),
        classes=svm.classes_.astype(np.int64),
    )


def load(arrays: Mapping[str, np.ndarray]) -> Machine:
    """The machine that gave these arrays."""
    return Machine(**arrays)
