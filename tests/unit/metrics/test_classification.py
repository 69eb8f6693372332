"""Numbers about whole images, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from anomaly.metrics.join import join
from anomaly.metrics.score import score


def values(make, true, called, **kwargs):
    truth = make.truth(true, [[] for _ in true])
    return score(join(make.predictions(truth, called, **kwargs), truth)).values


def test_random_cases_agree_with_scikit_learn(case):
    predictions, truth = case
    got, y, p = score(join(predictions, truth)), truth.labels, predictions.labels
    precision, recall, _, _ = sk.precision_recall_fscore_support(y, p)
    expected = {
        "accuracy": sk.accuracy_score(y, p),
        "defect_accuracy": sk.accuracy_score(y[y > 0], p[y > 0]),
        "balanced_accuracy": sk.balanced_accuracy_score(y, p),
        "macro_f1": sk.f1_score(y, p, average="macro"),
        "auroc": sk.roc_auc_score(y > 0, 1 - predictions.proba[:, 0]),
        "escape_rate": 1 - sk.recall_score(y > 0, p > 0),
        "overkill_rate": 1 - sk.recall_score(y == 0, p == 0),
        **{f"precision.{c}": x for c, x in zip(truth.classes, precision, strict=True)},
        **{f"recall.{c}": x for c, x in zip(truth.classes, recall, strict=True)},
    }
    assert {name: got.values[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert got.confusion.dtype == np.int64
    assert got.confusion.tolist() == sk.confusion_matrix(y, p).tolist()


def test_a_case_counted_by_hand(make):
    got = values(make, true=[0, 0, 0, 1, 1, 2], called=[0, 0, 1, 1, 2, 0])
    expected = {
        "accuracy": 3 / 6,
        "defect_accuracy": 1 / 3,
        "escapes": 1,
        "overkill": 1,
        "escape_rate": 1 / 3,
        "overkill_rate": 1 / 3,
        "precision.good": 2 / 3,
        "precision.bent": 1 / 2,
        "precision.broken": 0,
        "recall.broken": 0,
    }
    assert {name: got[name] for name in expected} == pytest.approx(expected)
    assert all(type(value) is float for value in got.values())


def test_the_right_defect_type_matters_only_where_it_is_asked(make):
    got = values(make, true=[0, 1, 2], called=[0, 2, 1])
    assert got["escapes"] == 0 and got["auroc"] == 1 and got["defect_accuracy"] == 0


def test_tied_scores_are_half_right_in_auroc(make):
    proba = np.array([[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0.9, 0.1, 0, 0]])
    assert values(make, [0, 1, 0], None, proba=proba)["auroc"] == 0.75


def test_auroc_with_many_ties_agrees_with_scikit_learn(make):
    random = np.random.default_rng(0)
    good = random.integers(0, 5, 60) / 4
    true = random.integers(0, 4, 60)
    proba = np.stack([good, 1 - good, 0 * good, 0 * good], 1)
    expected = sk.roc_auc_score(true > 0, 1 - good)
    assert values(make, true, None, proba=proba)["auroc"] == pytest.approx(expected, abs=1e-12)


def test_without_defects_their_numbers_are_absent(make):
    got = values(make, true=[0, 0], called=[0, 0])
    assert got == {
        "accuracy": 1,
        "overkill_rate": 0,
        "precision.good": 1,
        "recall.good": 1,
        "balanced_accuracy": 1,
        "macro_f1": 1,
        "ece": 0,
        "overkill": 0,
    }


def test_without_good_images_their_numbers_are_absent(make):
    got = values(make, true=[1, 2], called=[1, 1])
    assert got.keys().isdisjoint({"overkill", "overkill_rate", "auroc", "recall.good"})
    assert got.keys().isdisjoint({"precision.good", "precision.broken", "recall.scratch"})
    assert got["recall.broken"] == 0 and got["escapes"] == 0 and got["balanced_accuracy"] == 0.5


def test_without_images_nothing_is_claimed(make):
    truth = make.truth([], [])
    got = score(join(make.predictions(truth, np.zeros(0, int)), truth))
    assert got.values == {} and got.intervals == {} and got.confusion.sum() == 0


def test_shares_carry_their_evidence(case):
    predictions, truth = case
    got = score(join(predictions, truth))
    rates = {"accuracy", "defect_accuracy", "escape_rate", "overkill_rate"}
    perclass = {f"{kind}.{c}" for kind in ("precision", "recall") for c in truth.classes}
    assert got.intervals.keys() == rates | perclass
    for name, (hits, count, low, high) in got.intervals.items():
        assert got.values[name] == hits / count
        assert 0 <= low <= got.values[name] <= high <= 1
    assert got.intervals["accuracy"].total == len(truth.ids)
