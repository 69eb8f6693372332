"""Chooses the settings of the SVMs by cross-validation inside the train part."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np

from anomaly.data.split import kfold
from anomaly.errors import InputError
from anomaly.model.svm import kernel, solve

FOLDS = 5
FACTORS = (1, 0.1, 10)  # on what is given, which comes first: it stays where nothing is better


def search(
    squared: np.ndarray,
    labels: np.ndarray,
    groups: Sequence[int],
    classes: tuple[str, ...],
    start: tuple[float, float],
    seed: int,
) -> tuple[float, float]:
    """The (c, gamma) near `start` whose machines name held-out images best, each class alike.

    `squared` are the (n, n) squared distances of the pictures. Those of one group, copies and
    augmented versions of one part, are held out together.

    Raises:
        InputError: a class has a single group.
    """
    folds = deal(labels, groups, classes, seed)
    near = [(start[0] * c, start[1] * gamma) for gamma, c in product(FACTORS, FACTORS)]
    with ThreadPoolExecutor() as pool:  # the solver lets go of Python's lock
        scores = list(
            pool.map(lambda pair: _balanced_accuracy(squared, labels, folds, *pair), near)
        )
    return near[int(np.argmax(scores))]


def deal(
    labels: np.ndarray, groups: Sequence[int], classes: tuple[str, ...], seed: int
) -> np.ndarray:
    """(n,) the fold of each picture: every class in every fold, a group in one."""
    own = {
        label: {g for g, k in zip(groups, labels, strict=True) if k == label} for label in labels
    }
    rarest = min(own, key=lambda label: len(own[label]))
    if len(own[rarest]) < 2:
        raise InputError(
            f"class '{classes[rarest]}' has a single independent image in the train part, too few"
            " for model.grid=true: add images, or set model.grid=false"
        )
    items = [
        (str(place), str(label), group)
        for place, (label, group) in enumerate(zip(labels, groups, strict=True))
    ]
    dealt = kfold(items, min(FOLDS, len(own[rarest])), seed)
    return np.array([dealt[id] for id, _, _ in items])


def _balanced_accuracy(
    squared: np.ndarray, labels: np.ndarray, folds: np.ndarray, c: float, gamma: float
) -> float:
    """The mean over classes of the share of their pictures that are named right, held out."""
    gram = kernel(squared, gamma)
    named = np.empty_like(labels)
    for fold in np.unique(folds):
        held, kept = folds == fold, folds != fold
        weights, offsets = solve(gram[np.ix_(kept, kept)], labels[kept], c)
        named[held] = (gram[np.ix_(held, kept)] @ weights.T + offsets).argmax(1)
    return float(np.mean([(named == k)[labels == k].mean() for k in np.unique(labels)]))
