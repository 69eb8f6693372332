"""Stacking: honest on validate, and scikit-learn's own decision."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from anomaly.ensemble import meta_learner

GRID = {"C": [1.0, 10.0], "gamma": [1.0, 0.1]}


def case(seed: int, counts: tuple[int, ...], skill: float) -> tuple[np.ndarray, np.ndarray]:
    """Two members' probabilities, right `skill` of the time, and the labels."""
    random = np.random.default_rng(seed)
    labels, classes = np.repeat(np.arange(len(counts)), counts), len(counts)
    named = np.where(
        random.random((2, len(labels))) < skill, labels, random.integers(0, classes, len(labels))
    )
    noise = random.dirichlet(np.ones(classes), named.shape)
    return 0.5 * noise + 0.5 * np.eye(classes)[named], labels


def noise(images: int = 90, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Members that know nothing."""
    probas = np.random.default_rng(0).dirichlet(np.ones(classes), (2, images))
    return probas, np.arange(images) % classes


def test_validates_probabilities_are_of_machines_that_had_not_seen_the_image():
    probas, labels = noise()
    own = meta_learner.build(C=[1000.0], gamma=[100.0])  # learns anything by heart
    honest = own.fit(probas, labels)
    assert (own.combine(probas).argmax(1) == labels).mean() == 1
    assert (honest.argmax(1) == labels).mean() < 0.55  # chance is a third


@pytest.mark.parametrize("counts", [(30, 30), (30, 6, 5), (12, 2, 2), (40, 9, 7, 5, 3)])
def test_the_decision_is_that_of_the_machine_that_scikit_learn_chooses(counts):
    probas, labels = case(0, counts, 0.8)
    own = meta_learner.build(**GRID)
    own.fit(probas, labels)
    x = np.concatenate(list(probas), 1)
    parts = StratifiedKFold(min(5, *counts), shuffle=True, random_state=0)
    machine = SVC(class_weight="balanced", break_ties=True)
    search = GridSearchCV(machine, GRID, cv=parts).fit(x, labels)
    fresh = np.random.default_rng(1).dirichlet(np.ones(len(counts)), (2, 200))
    rows = np.concatenate(list(fresh), 1)
    assert own.combine(fresh).argmax(1).tolist() == search.predict(rows).tolist()
    decided = search.decision_function(rows)
    decided = np.stack([-decided, decided], 1) if decided.ndim == 1 else decided
    assert np.allclose(own.machine.scores(rows), decided, rtol=0, atol=1e-9)


def test_the_first_of_equally_good_settings_serves():
    probas, labels = case(0, (20, 20), 1.0)
    own = meta_learner.build(C=[7.0, 1.0], gamma=[0.5, 1.0])
    own.fit(probas, labels)
    machine = SVC(C=7.0, gamma=0.5, class_weight="balanced").fit(
        np.concatenate(list(probas), 1), labels
    )
    assert np.array_equal(own.machine.support, machine.support_vectors_)
    assert own.machine.gamma == 0.5


def test_it_learns_whom_to_believe():
    labels = np.arange(100) % 2
    torn, liar = np.full((100, 2), 0.5), 0.1 + 0.8 * np.eye(2)[1 - labels]
    own, probas = meta_learner.build(**GRID), np.stack([torn, liar])
    told = own.fit(probas, labels)
    assert (probas.mean(0).argmax(1) != labels).all()
    assert (told.argmax(1) == labels).all()


@pytest.mark.parametrize("counts", [(20, 10, 1), (20, 1, 1), (9, 1)])
def test_the_only_image_of_a_class_is_named_by_who_never_saw_the_class(counts):
    probas, labels = case(0, counts, 1.0)
    own = meta_learner.build(**GRID)
    told = own.fit(probas, labels)
    once = [place for place, label in enumerate(labels) if counts[label] == 1]
    assert not told[once, labels[once]].any()  # as it would be with an image of an unknown class
    assert (told.argmax(1) == labels).sum() >= counts[0] - 1
    assert own.combine(probas)[once].argmax(1).tolist() == labels[once].tolist()
    assert np.allclose(told.sum(1), 1)


def test_where_every_class_has_one_image_all_are_left_out_in_turn():
    labels = np.arange(4)
    told = meta_learner.build(**GRID).fit(np.stack([np.eye(4)] * 2), labels)
    assert not told[labels, labels].any()


def test_a_class_that_validate_lacks_is_never_called():
    probas, labels = case(0, (20, 0, 15, 12), 0.8)
    own = meta_learner.build(**GRID)
    for rows in (own.fit(probas, labels), own.combine(np.stack([np.eye(4)[[1]]] * 2))):
        assert rows.shape[1] == 4
        assert not rows[:, 1].any()
        assert np.allclose(rows.sum(1), 1)


def test_of_two_classes_among_four_the_right_columns_are_filled():
    probas, labels = case(0, (0, 20, 0, 20), 1.0)
    own = meta_learner.build(**GRID)
    told = own.fit(probas, labels)
    assert not told[:, [0, 2]].any()
    assert np.array_equal(told.argmax(1), labels)


def test_rare_classes_weigh_as_much_as_large_ones():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [95, 5])
    rows = np.stack([random.normal(0.55 - 0.1 * labels, 0.02), np.zeros(100)], 1)
    probas = np.stack([[row[0], 1 - row[0]] for row in rows])[None]
    own = meta_learner.build(C=[1.0], gamma=[1.0])
    own.fit(probas, labels)
    assert own.combine(np.array([[[0.49, 0.51]]])).argmax() == 1
