"""One member, one vote, and the written rule of ties."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from anomaly.ensemble import hard_vote


def vote(*members: list[float]) -> np.ndarray:
    """(c,) of one image, of which each member says its row."""
    own, probas = hard_vote.build(), np.array(members)[:, None]
    own.fit(probas, np.zeros(1, np.int64))
    (row,) = own.combine(probas)
    return row


def test_the_class_with_most_votes_wins_however_sure_the_others_are():
    assert vote([0.51, 0.49], [0.51, 0.49], [0.0, 1.0]).argmax() == 0
    assert vote([0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0, 1, 0], [0, 0, 1]).argmax() == 0


def test_with_ninety_nine_members_one_vote_still_decides():
    members = [[0.501, 0.499]] * 50 + [[0.0, 1.0]] * 49
    assert vote(*members).argmax() == 0


def test_probabilities_are_the_shares_of_votes():
    row = vote([0.9, 0.1, 0], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1])
    assert row == pytest.approx([2 / 3, 1 / 3, 0], abs=1e-3)


def test_a_tie_goes_to_the_higher_mean_probability():
    assert vote([0.6, 0.4], [0.3, 0.7]).argmax() == 1
    assert vote([0.7, 0.3], [0.4, 0.6]).argmax() == 0


def test_in_a_tie_members_that_voted_for_neither_have_their_say_too():
    first, second, neither = [0.5, 0.4, 0.1], [0.4, 0.5, 0.1], [0.1, 0.2, 0.7]
    assert vote(first, second, neither).argmax() == 1


def test_the_mean_decides_among_the_tied_alone():
    most, others = [0.34, 0.33, 0.33], ([0, 1, 0], [0, 0, 1])
    row = vote(most, most, *others)
    assert row.argmax() == 0 and row[1] == pytest.approx(row[2])


def test_where_all_is_equal_the_first_class_is_called():
    assert vote([0.7, 0.3], [0.3, 0.7]).argmax() == 0
    assert vote([0, 1, 0], [0, 0, 1]).argmax() == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_rounding_decides_no_tie(order):
    """Each class has one vote and the same three probabilities: the sums differ by their order."""
    circle = [[0.6, 0.3, 0.1], [0.1, 0.6, 0.3], [0.3, 0.1, 0.6]]
    assert vote(*(circle[i] for i in order)).argmax() == 0


def test_a_member_that_is_torn_votes_for_the_first_class():
    assert vote([0.5, 0.5]).argmax() == 0


def test_validate_is_as_if_unseen_for_nothing_is_learned():
    probas = np.random.default_rng(0).dirichlet(np.ones(3), (2, 9))
    own = hard_vote.build()
    assert np.array_equal(own.fit(probas, np.arange(9) % 3), own.combine(probas))
    assert own.weights.tolist() == [0.5, 0.5]
