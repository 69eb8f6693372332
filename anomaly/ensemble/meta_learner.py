"""Stacking: an SVM that learns from the members' probabilities which of them to believe.

Source: D. H. Wolpert, "Stacked Generalization", Neural Networks 5 (1992).
"""

from __future__ import annotations

import numpy as np
from scipy.special import softmax
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from sklearn.svm import SVC

from anomaly.checks import Positive
from anomaly.ensemble.combiner import equal

FOLDS = 5
DECISION = "decision_function"


def build(*, C: list[Positive], gamma: list[Positive]) -> MetaLearner:
    """C and gamma are chosen among by cross-validation within validate."""
    return MetaLearner(C, gamma)


class MetaLearner:
    """An SVM with RBF kernel on the members' probabilities, side by side."""

    weights: np.ndarray

    def __init__(self, C: list[float], gamma: list[float]) -> None:
        self.grid = {"C": C, "gamma": gamma}

    def fit(self, probas: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """See `Combiner`: validate's probabilities come from SVMs that had not learned from the
        image; it only had its say in the choice of C and gamma.

        Where validate holds a class once it cannot be left out in turn: the first C and gamma
        serve then, and the probabilities are those of learning.
        """
        self.weights = equal(len(probas))
        self.classes = probas.shape[-1]
        self.svm, x = self._svm(), _rows(probas)
        folds = min(FOLDS, *np.bincount(labels)[np.unique(labels)])
        if folds < 2:
            self.svm.fit(x, labels)
            return self.combine(probas)
        parts = StratifiedKFold(folds, shuffle=True, random_state=0)
        self.svm = GridSearchCV(self.svm, self.grid, cv=parts).fit(x, labels).best_estimator_
        return self._proba(cross_val_predict(self.svm, x, labels, cv=parts, method=DECISION))

    def _svm(self) -> SVC:
        first = {name: values[0] for name, values in self.grid.items()}
        return SVC(class_weight="balanced", break_ties=True, random_state=0, **first)

    def combine(self, probas: np.ndarray) -> np.ndarray:
        """(n, c) from (m, n, c)."""
        return self._proba(self.svm.decision_function(_rows(probas)))

    def _proba(self, decided: np.ndarray) -> np.ndarray:
        """A softmax keeps the SVM's order; how sure it may be is for the calibration to say."""
        known = self.svm.classes_
        scores = np.stack([-decided, decided], 1) if decided.ndim == 1 else decided
        proba = np.zeros((len(scores), self.classes))
        proba[:, known] = softmax(scores, axis=1)
        return proba


def _rows(probas: np.ndarray) -> np.ndarray:
    """(n, m * c): an image's row holds what every member says of it."""
    return np.concatenate(list(probas), axis=1)
