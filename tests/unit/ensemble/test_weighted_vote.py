"""Weights are accuracies on validate, as scikit-learn counts them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from anomaly.ensemble import weighted_vote


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_validation_accuracies_that_sum_to_one(seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, 50)
    probas = random.dirichlet(np.ones(3), (4, 50))
    own = weighted_vote.build()
    own.fit(probas, labels)
    accuracies = np.array([accuracy_score(labels, p.argmax(1)) for p in probas])
    assert own.weights == pytest.approx(accuracies / accuracies.sum())


def test_probabilities_are_the_weighted_mean_by_hand():
    right, half = [[0.8, 0.2], [0.4, 0.6]], [[0.6, 0.4], [0.7, 0.3]]
    own = weighted_vote.build()
    own.fit(np.array([right, half]), np.array([0, 1]))
    assert own.weights == pytest.approx([2 / 3, 1 / 3])
    (row,) = own.combine(np.array([[[0.9, 0.1]], [[0.3, 0.7]]]))
    assert row == pytest.approx([0.7, 0.3])


def test_a_member_that_is_never_right_is_not_heard():
    own = weighted_vote.build()
    labels = np.array([0, 1])
    own.fit(np.stack([np.eye(2), np.eye(2)[::-1]]), labels)
    assert own.weights.tolist() == [1, 0]


def test_members_of_which_none_is_ever_right_count_alike():
    own = weighted_vote.build()
    own.fit(np.stack([np.eye(2)[::-1]] * 4), np.array([0, 1]))
    assert own.weights.tolist() == [0.25] * 4
