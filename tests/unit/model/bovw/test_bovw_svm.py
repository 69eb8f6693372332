"""Machines kept as arrays against scikit-learn's own, and their slope against differences."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import SVC

from anomaly.errors import InputError
from anomaly.model.bovw.grid_search import deal, search
from anomaly.model.svm import Machines, distances, fit

CLASSES = ("good", "hole", "scratch")
GAMMA, C = 0.3, 10.0


def clouds(count: int = 12, apart: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), (4 * count, count, count))
    centres = apart * random.normal(size=(3, 5))
    return (centres[labels] + random.normal(size=(len(labels), 5))).astype(np.float32), labels


@pytest.fixture(scope="module")
def machines() -> Machines:
    return fit(*clouds(), c=C, gamma=GAMMA)


@pytest.mark.parametrize("k", range(3))
def test_decisions_are_those_of_scikit_learn(machines, k):
    x, labels = clouds()
    theirs = SVC(C=C, gamma=GAMMA, class_weight="balanced").fit(x.astype(float), labels == k)
    fresh = clouds(seed=1)[0]
    wanted = theirs.decision_function(fresh.astype(float))
    assert np.allclose(machines.decisions(fresh)[:, k], wanted, atol=1e-2)  # libsvm's tolerance
    assert (np.sign(machines.decisions(fresh)[:, k]) == np.sign(wanted)).mean() > 0.97


def test_only_images_that_support_a_border_are_kept():
    x, labels = clouds(apart=9)
    found = fit(x, labels, c=C, gamma=GAMMA)
    assert len(found.support) < len(x)
    assert found.weights.any(0).all()


def test_the_decided_class_is_the_most_probable_one(machines):
    fresh = clouds(seed=2)[0]
    proba = machines.proba(fresh)
    assert np.allclose(proba.sum(1), 1)
    assert np.array_equal(proba.argmax(1), machines.decisions(fresh).argmax(1))


def test_a_rare_class_is_not_given_up_for_a_large_one():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], (200, 8))
    x = (random.normal(size=(208, 2)) + 1.5 * labels[:, None]).astype(np.float32)
    plain = SVC(C=0.1, gamma=GAMMA).fit(x, labels)
    rare = (random.normal(size=(200, 2)) + 1.5).astype(np.float32)
    found = fit(x, labels, c=0.1, gamma=GAMMA).decisions(rare).argmax(1)
    assert found.mean() > 0.5 > plain.predict(rare).mean()


def evidence(machines: Machines, x: np.ndarray, types: np.ndarray) -> np.ndarray:
    decisions = machines.decisions(x)
    return decisions[np.arange(len(decisions)), types] - decisions[:, 0]


def test_shares_sum_to_what_sets_the_evidence_apart_from_the_references(machines):
    x = clouds(seed=4)[0].astype(np.float64)
    reference = x[:20].mean(0)
    types = 1 + machines.decisions(x)[:, 1:].argmax(1)
    there = evidence(machines, np.repeat(reference[None], len(x), 0), types)
    wanted = evidence(machines, x, types) - there
    assert np.allclose(machines.shares(x, reference).sum(1), wanted, atol=1e-4)
    assert abs(wanted).max() > 1


def test_a_share_is_the_slope_of_the_evidence_where_the_reference_is_near(machines):
    x, step = clouds(seed=4)[0].astype(np.float64), 1e-4
    types = 1 + machines.decisions(x)[:, 1:].argmax(1)
    for own, label in zip(x[::7], types[::7], strict=True):
        moves = np.stack([own + step * m for m in np.eye(len(own))])
        near, here = (evidence(machines, v, np.full(len(v), label)) for v in (moves, own[None]))
        found = machines.shares(own[None], own - step)[0]
        assert np.allclose(found / step, (near - here) / step, atol=1e-2)


def test_distances_are_squared_and_never_negative():
    x = clouds()[0]
    wanted = ((x[:, None].astype(float) - x[None]) ** 2).sum(-1)
    assert np.allclose(distances(x, x), wanted)
    assert distances(x, x).min() >= 0


def test_a_group_stays_in_one_fold_and_every_class_is_in_every_fold():
    labels = np.repeat([0, 1, 2], (20, 9, 6))
    groups = np.repeat(np.arange(12), (4, 4, 4, 4, 4, 3, 3, 3, 2, 2, 1, 1))
    folds = deal(labels, groups, CLASSES, seed=0)
    assert all(len(set(folds[groups == g])) == 1 for g in set(groups))
    assert {k: set(folds[labels == k]) for k in range(3)} == {k: {0, 1, 2} for k in range(3)}


def test_a_class_of_one_part_cannot_be_held_out():
    with pytest.raises(InputError, match=r"class 'scratch' has a single independent image"):
        deal(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 2, 3, 4, 4]), CLASSES, seed=0)


def test_the_search_finds_a_better_kernel_than_a_useless_one():
    x, labels = clouds(apart=2)
    groups = np.arange(len(x))
    c, gamma = search(distances(x, x), labels, groups, CLASSES, (C, 10 * GAMMA), seed=0)
    assert gamma < 10 * GAMMA
    assert (c, gamma) == search(distances(x, x), labels, groups, CLASSES, (C, 10 * GAMMA), seed=0)


def test_the_search_stays_where_nothing_is_better():
    x, labels = clouds(apart=9)
    given = (C, 0.05)
    assert search(distances(x, x), labels, np.arange(len(x)), CLASSES, given, seed=0) == given
