"""Chooses C and gamma of the SVMs by cross-validation inside the train split."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np

from anomaly.data.split import kfold
from anomaly.errors import InputError
from anomaly.model.svm import kernel, solve

FOLDS = 5
FACTORS = (1, 0.1, 10)  # of the given values, which come first: they stay unless others are better


def search(
    squared: np.ndarray,
    labels: np.ndarray,
    groups: Sequence[int],
    classes: tuple[str, ...],
    start: tuple[float, float],
    seed: int,
) -> tuple[float, float]:
    """The (c, gamma) near `start` with the best balanced accuracy on held-out pictures.

    `squared` are the (n, n) squared distances of the pictures. Pictures of one group, which show
    the same part, are held out together.

    Raises:
        InputError: a class has a single group.
    """
    folds = assign_folds(labels, groups, classes, seed)
    candidates = [(start[0] * c, start[1] * gamma) for gamma, c in product(FACTORS, FACTORS)]

    def score(candidate: tuple[float, float]) -> float:
        return _balanced_accuracy(squared, labels, folds, *candidate)

    with ThreadPoolExecutor() as pool:  # the solver releases Python's lock
        scores = list(pool.map(score, candidates))
    return candidates[int(np.argmax(scores))]


def assign_folds(
    labels: np.ndarray, groups: Sequence[int], classes: tuple[str, ...], seed: int
) -> np.ndarray:
    """(n,) the fold of each picture: every class is in every fold, every group in one."""
    groups_of = {
        label: {g for g, k in zip(groups, labels, strict=True) if k == label} for label in labels
    }
    rarest = min(groups_of, key=lambda label: len(groups_of[label]))
    if len(groups_of[rarest]) < 2:
        raise InputError(
            f"class '{classes[rarest]}' has a single independent image in the train split, too few"
            " for model.grid=true: add images, or set model.grid=false"
        )
    items = [
        (str(place), str(label), group)
        for place, (label, group) in enumerate(zip(labels, groups, strict=True))
    ]
    folds = kfold(items, min(FOLDS, len(groups_of[rarest])), seed)
    return np.array([folds[id] for id, _, _ in items])


def _balanced_accuracy(
    squared: np.ndarray, labels: np.ndarray, folds: np.ndarray, c: float, gamma: float
) -> float:
    """The mean over classes of the accuracy on their held-out pictures."""
    gram = kernel(squared, gamma)
    predicted = np.empty_like(labels)
    for fold in np.unique(folds):
        held, kept = folds == fold, folds != fold
        weights, offsets = solve(gram[np.ix_(kept, kept)], labels[kept], c)
        predicted[held] = (gram[np.ix_(held, kept)] @ weights.T + offsets).argmax(1)
    return float(np.mean([(predicted == k)[labels == k].mean() for k in np.unique(labels)]))
