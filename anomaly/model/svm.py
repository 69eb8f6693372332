"""One-against-all support vector machines (Vapnik 1995) with an RBF kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

NODES = 8  # of the Gauss-Legendre quadrature along a path: exact to five digits


@dataclass(frozen=True)
class Machines:
    """One machine for each class against all others; they share their support vectors."""

    support: np.ndarray  # (s, f) float32, the training vectors that any machine needs
    weights: np.ndarray  # (c, s) float64, each machine's coefficient of each support vector
    offsets: np.ndarray  # (c,) float64
    gamma: float  # of the kernel exp(-gamma * squared distance)

    def decisions(self, x: np.ndarray) -> np.ndarray:
        """(n, c) float64 decision values of (n, f) vectors; 1 is the margin of a class."""
        return kernel(distances(x, self.support), self.gamma) @ self.weights.T + self.offsets

    def proba(self, x: np.ndarray) -> np.ndarray:
        """(n, c) float64: a softmax of the decision values, so that the largest one wins.

        Platt's sigmoids would need held-out decisions of classes that have a handful of images.
        Each would have its own slope, and the most probable class could differ from the decision.
        """
        return softmax(self.decisions(x), axis=1)

    def attributions(self, x: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """(n, f) float64: how much each feature of (n, f) vectors adds to the evidence of a defect.

        The evidence is the decision value of the most probable defect type minus that of good. The
        attributions sum to its difference from the evidence of the (f,) reference. They are
        integrated gradients (Sundararajan et al., ICML 2017): the gradient is averaged along the
        straight path from the reference, since at a vector that is far from all others it vanishes.
        """
        types = 1 + self.decisions(x)[:, 1:].argmax(1)
        coefficients, path = self.weights[types] - self.weights[0], x - reference
        start = reference - self.support.astype(
            np.float64
        )  # where the path starts, from each vector
        near, along, far = (start**2).sum(1), path @ start.T, (path**2).sum(1, keepdims=True)
        constant, linear = np.zeros(along.shape), np.zeros(far.shape)
        for node, weight in zip(*np.polynomial.legendre.leggauss(NODES), strict=True):
            t = (node + 1) / 2
            squared = near + 2 * t * along + t**2 * far
            term = weight / 2 * coefficients * kernel(squared, self.gamma)
            constant += term
            linear += t * term.sum(1, keepdims=True)
        return -2 * self.gamma * path * (constant @ start + linear * path)


def fit(x: np.ndarray, labels: np.ndarray, *, c: float, gamma: float) -> Machines:
    """Learn from (n, f) float32 vectors and (n,) labels; classes are weighted by 1 / their size."""
    weights, offsets = solve(kernel(distances(x, x), gamma), labels, c)
    used = weights.any(0)
    return Machines(x[used], weights[:, used], offsets, gamma)


def solve(gram: np.ndarray, labels: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    """(c, n) weights and (c,) offsets of the machines, from the (n, n) kernel of the vectors."""
    from sklearn.svm import SVC  # what is only judged needs none

    classes = int(labels.max()) + 1
    weights, offsets = np.zeros((classes, len(gram))), np.zeros(classes)
    for k in range(classes):
        machine = SVC(C=c, kernel="precomputed", class_weight="balanced").fit(gram, labels == k)
        weights[k, machine.support_] = machine.dual_coef_[0]
        offsets[k] = machine.intercept_[0]
    return weights, offsets


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m) float64 squared distances of (n, f) and (m, f) vectors."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)
    return np.maximum(squares - 2 * a @ b.T, 0)


def kernel(distances: np.ndarray, gamma: float) -> np.ndarray:
    """The RBF kernel of squared distances."""
    return np.exp(-gamma * distances)
