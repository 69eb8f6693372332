"""Numbers about whole images: was the right class named, was a defect seen at all?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) int64 counts; rows are the truth, columns the predictions."""
    pairs = np.bincount(true * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes).astype(np.int64)


def shares(confusion: np.ndarray, classes: Sequence[str]) -> dict[str, tuple[int, int]]:
    """{name: (hits, count)} of every number that is a share; those of nothing are left out.

    An escape is a defective image called good, overkill a good one called defective.
    """
    right, true, called = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    table = {
        "accuracy": (right.sum(), true.sum()),
        "defect_accuracy": (right[1:].sum(), true[1:].sum()),
        "escape_rate": (confusion[1:, 0].sum(), true[1:].sum()),
        "overkill_rate": (confusion[0, 1:].sum(), true[0]),
    }
    for index, name in enumerate(classes):
        table[f"precision.{name}"] = right[index], called[index]
        table[f"recall.{name}"] = right[index], true[index]
    return {name: (int(hits), int(count)) for name, (hits, count) in table.items() if count}


def averages(confusion: np.ndarray) -> dict[str, float]:
    """Means over classes, and the two plain counts that a factory asks for.

    As in scikit-learn, `balanced_accuracy` averages the recall of the classes in the truth,
    `macro_f1` the F1 of the classes in the truth or the predictions.
    """
    right, true, called = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    seen = true + called > 0
    values = {}
    if seen.any():
        values["balanced_accuracy"] = (right[true > 0] / true[true > 0]).mean()
        values["macro_f1"] = (2 * right[seen] / (true + called)[seen]).mean()
    if true[1:].any():
        values["escapes"] = confusion[1:, 0].sum()
    if true[0]:
        values["overkill"] = confusion[0, 1:].sum()
    return {name: float(value) for name, value in values.items()}


def separation(true: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """`auroc` of good against defective, ranked by a (n,) score; empty if one side is."""
    defective = true > 0
    if defective.all() or not defective.any():
        return {}
    from sklearn.metrics import (
        roc_auc_score,  # takes a second, which who judges photos need not wait
    )

    return {"auroc": float(roc_auc_score(defective, score))}
