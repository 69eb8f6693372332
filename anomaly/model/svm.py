"""One support vector machine per class against all others (Vapnik 1995), with an RBF kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from sklearn.svm import SVC

STOPS = 8  # on the way between two vectors, by Gauss and Legendre: exact to five digits


@dataclass(frozen=True)
class Machines:
    """What is left of the training images: those that support some class's border."""

    support: np.ndarray  # (s, f) float32
    weights: np.ndarray  # (c, s) float64, each support's pull towards each class
    offsets: np.ndarray  # (c,) float64
    gamma: float  # of exp(-gamma * squared distance)

    def decisions(self, x: np.ndarray) -> np.ndarray:
        """(n, c) float64: how far each of (n, f) vectors lies on each class's side; 1 is clear."""
        return kernel(distances(x, self.support), self.gamma) @ self.weights.T + self.offsets

    def proba(self, x: np.ndarray) -> np.ndarray:
        """(n, c) float64: a softmax of the decisions, so that the clearest side also wins here.

        Platt's sigmoids would need held-out decisions of classes with a handful of images, and
        each has its own slope: the most probable class need not be the decided one.
        """
        return softmax(self.decisions(x), axis=1)

    def shares(self, x: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """(n, f) float64: what each number of (n, f) vectors adds to the evidence of a defect.

        The evidence is the decision for the likeliest defect type minus that for good; the shares
        sum to what sets it apart from the evidence of the (f,) reference. Its slope is averaged
        along the straight way from there (integrated gradients, Sundararajan et al., ICML 2017):
        at a vector about which the machines are sure it has faded.
        """
        types = 1 + self.decisions(x)[:, 1:].argmax(1)
        towards, way = self.weights[types] - self.weights[0], x - reference
        apart = reference - self.support.astype(np.float64)
        near, along, far = (apart**2).sum(1), way @ apart.T, (way**2).sum(1, keepdims=True)
        pull, ahead = np.zeros(along.shape), np.zeros(far.shape)
        for place, part in zip(*np.polynomial.legendre.leggauss(STOPS), strict=True):
            t = (place + 1) / 2
            here = part / 2 * towards * kernel(near + 2 * t * along + t**2 * far, self.gamma)
            pull += here
            ahead += t * here.sum(1, keepdims=True)
        return -2 * self.gamma * way * (pull @ apart + ahead * way)


def fit(x: np.ndarray, labels: np.ndarray, *, c: float, gamma: float) -> Machines:
    """Learn (n, f) float32 vectors with (n,) labels; rare classes weigh as much as large ones."""
    weights, offsets = solve(kernel(distances(x, x), gamma), labels, c)
    used = weights.any(0)
    return Machines(x[used], weights[:, used], offsets, gamma)


def solve(gram: np.ndarray, labels: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    """(c, n) weights and (c,) offsets of the machines, from the (n, n) kernel of the images."""
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
