"""The machines against scikit-learn's, and their attributions against differences."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import SVC

from anomaly.errors import InputError
from anomaly.model.bovw.grid_search import assign_folds, search
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
    expected = theirs.decision_function(fresh.astype(float))
    assert np.allclose(machines.decisions(fresh)[:, k], expected, atol=1e-2)  # libsvm's tolerance
    assert (np.sign(machines.decisions(fresh)[:, k]) == np.sign(expected)).mean() > 0.97


def test_only_support_vectors_are_kept():
    x, labels = clouds(apart=9)
    fitted = fit(x, labels, c=C, gamma=GAMMA)
    assert len(fitted.support) < len(x)
    assert fitted.weights.any(0).all()


def test_the_decided_class_is_the_most_probable_one(machines):
    fresh = clouds(seed=2)[0]
    proba = machines.proba(fresh)
    assert np.allclose(proba.sum(1), 1)
    assert np.array_equal(proba.argmax(1), machines.decisions(fresh).argmax(1))


def test_a_rare_class_is_not_sacrificed_for_a_large_one():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], (200, 8))
    x = (random.normal(size=(208, 2)) + 1.5 * labels[:, None]).astype(np.float32)
    plain = SVC(C=0.1, gamma=GAMMA).fit(x, labels)
    rare = (random.normal(size=(200, 2)) + 1.5).astype(np.float32)
    predicted = fit(x, labels, c=0.1, gamma=GAMMA).decisions(rare).argmax(1)
    assert predicted.mean() > 0.5 > plain.predict(rare).mean()


def evidence(machines: Machines, x: np.ndarray, types: np.ndarray) -> np.ndarray:
    decisions = machines.decisions(x)
    return decisions[np.arange(len(decisions)), types] - decisions[:, 0]


def test_attributions_sum_to_the_difference_from_the_evidence_of_the_reference(machines):
    x = clouds(seed=4)[0].astype(np.float64)
    reference = x[:20].mean(0)
    types = 1 + machines.decisions(x)[:, 1:].argmax(1)
    of_reference = evidence(machines, np.repeat(reference[None], len(x), 0), types)
    expected = evidence(machines, x, types) - of_reference
    assert np.allclose(machines.attributions(x, reference).sum(1), expected, atol=1e-4)
    assert abs(expected).max() > 1


def test_near_the_reference_an_attribution_is_the_gradient_of_the_evidence(machines):
    x, step = clouds(seed=4)[0].astype(np.float64), 1e-4
    types = 1 + machines.decisions(x)[:, 1:].argmax(1)
    for vector, label in zip(x[::7], types[::7], strict=True):
        moves = np.stack([vector + step * m for m in np.eye(len(vector))])
        near, here = (evidence(machines, v, np.full(len(v), label)) for v in (moves, vector[None]))
        result = machines.attributions(vector[None], vector - step)[0]
        assert np.allclose(result / step, (near - here) / step, atol=1e-2)


def test_distances_are_squared_and_never_negative():
    x = clouds()[0]
    expected = ((x[:, None].astype(float) - x[None]) ** 2).sum(-1)
    assert np.allclose(distances(x, x), expected)
    assert distances(x, x).min() >= 0


def test_a_group_stays_in_one_fold_and_every_class_is_in_every_fold():
    labels = np.repeat([0, 1, 2], (20, 9, 6))
    groups = np.repeat(np.arange(12), (4, 4, 4, 4, 4, 3, 3, 3, 2, 2, 1, 1))
    folds = assign_folds(labels, groups, CLASSES, seed=0)
    assert all(len(set(folds[groups == g])) == 1 for g in set(groups))
    assert {k: set(folds[labels == k]) for k in range(3)} == {k: {0, 1, 2} for k in range(3)}


def test_a_class_with_a_single_part_cannot_be_held_out():
    with pytest.raises(InputError, match=r"class 'scratch' has a single independent image"):
        assign_folds(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 2, 3, 4, 4]), CLASSES, seed=0)


def test_the_search_finds_a_better_kernel_than_a_useless_one():
    x, labels = clouds(apart=2)
    groups = np.arange(len(x))
    c, gamma = search(distances(x, x), labels, groups, CLASSES, (C, 10 * GAMMA), seed=0)
    assert gamma < 10 * GAMMA
    assert (c, gamma) == search(distances(x, x), labels, groups, CLASSES, (C, 10 * GAMMA), seed=0)


def test_the_search_keeps_the_given_values_if_nothing_is_better():
    x, labels = clouds(apart=9)
    given = (C, 0.05)
    assert search(distances(x, x), labels, np.arange(len(x)), CLASSES, given, seed=0) == given
