"""Stacking: an SVM that learns from the members' probabilities which of them to believe.

Source: D. H. Wolpert, "Stacked Generalization", Neural Networks 5 (1992).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from anomaly.config.ranges import Positive
from anomaly.ensemble import machine
from anomaly.ensemble.combiner import equal
from anomaly.ensemble.machine import Machine, machine_of

if TYPE_CHECKING:  # imported where it learns: what is only judged needs no scikit-learn
    from sklearn.svm import SVC

FOLDS = 5
Part = tuple[np.ndarray, np.ndarray]


def build(*, C: list[Positive], gamma: list[Positive]) -> MetaLearner:
    """C and gamma are chosen among by cross-validation within validate."""
    return MetaLearner(C, gamma)


class MetaLearner:
    """An SVM with RBF kernel on the members' probabilities, side by side."""

    weights: np.ndarray
    classes: int  # that members tell apart; the machine knows those of validate
    machine: Machine

    def __init__(self, C: list[float], gamma: list[float]) -> None:
        self.grid = {"C": C, "gamma": gamma}

    def fit(self, probas: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """See `Combiner`: validate's probabilities come from SVMs that did not learn from the
        image; only the choice of C and gamma depends on it.

        An image that is the only one of its class is named by SVMs that do not know the class.
        """
        self.weights = equal(len(probas))
        self.classes = probas.shape[-1]
        x = _rows(probas)
        parts = _parts(labels)
        svm = self._chosen(x, labels, parts)
        self.machine = machine_of(svm)
        return self._left_out(svm, x, labels, parts)

    def _chosen(self, x: np.ndarray, labels: np.ndarray, parts: list[Part]) -> SVC:
        """The best C and gamma, the first of equally good ones; one class alone leaves no choice."""
        from sklearn.model_selection import GridSearchCV

        if all(len(np.unique(labels[learned])) > 1 for learned, _ in parts):
            return GridSearchCV(self._svm(), self.grid, cv=parts).fit(x, labels).best_estimator_
        return self._svm().fit(x, labels)

    def _left_out(
        self, svm: SVC, x: np.ndarray, labels: np.ndarray, parts: list[Part]
    ) -> np.ndarray:
        """(n, c): each part's probabilities by an SVM that learned from the others."""
        from sklearn.base import clone

        proba = np.zeros((len(x), self.classes))
        for learned, left in parts:
            known = np.unique(labels[learned])
            if len(known) == 1:
                proba[left, known[0]] = 1
                continue
            other = clone(svm).fit(x[learned], labels[learned])
            proba[left] = _proba(machine_of(other), x[left], self.classes)
        return proba

    def _svm(self) -> SVC:
        from sklearn.svm import SVC

        first = {name: values[0] for name, values in self.grid.items()}
        return SVC(class_weight="balanced", break_ties=True, random_state=0, **first)

    def combine(self, probas: np.ndarray) -> np.ndarray:
        """(n, c) from (m, n, c)."""
        return _proba(self.machine, _rows(probas), self.classes)

    def arrays(self) -> dict[str, np.ndarray]:
        """What `load` takes."""
        return {
            "weights": self.weights,
            "number_of_classes": np.array(self.classes),
            **self.machine.arrays(),
        }


def load(arrays: Mapping[str, np.ndarray]) -> MetaLearner:
    """The fitted combiner that gave these arrays; it combines the same."""
    of_machine = dict(arrays)
    combiner = MetaLearner([], [])
    combiner.weights = of_machine.pop("weights")
    combiner.classes = int(of_machine.pop("number_of_classes"))
    combiner.machine = machine.load(of_machine)
    return combiner


def _parts(labels: np.ndarray) -> list[Part]:
    """(learned, left out) places, such that every image is left out once.

    As many parts as the rarest class has images, of those with two or more.
    """
    from sklearn.model_selection import LeaveOneOut, StratifiedKFold

    sizes = np.bincount(labels)
    if sizes.max() == 1:
        return list(LeaveOneOut().split(labels))
    folds = min([FOLDS, *sizes[sizes > 1]])
    with warnings.catch_warnings():  # a class of one image cannot be in every part: it need not
        warnings.filterwarnings("ignore", message="The least populated class")
        parts = StratifiedKFold(folds, shuffle=True, random_state=0)
        return list(parts.split(np.zeros(len(labels)), labels))


def _proba(machine: Machine, x: np.ndarray, classes: int) -> np.ndarray:
    """A softmax keeps the SVM's order of the classes; calibration decides how sure it may be."""
    proba = np.zeros((len(x), classes))
    proba[:, machine.classes] = softmax(machine.scores(x), axis=1)
    return proba


def _rows(probas: np.ndarray) -> np.ndarray:
    """(n, m * c): an image's row holds the probabilities of every member."""
    return np.concatenate(list(probas), axis=1)
