"""Votes lie at their patches and have their size, and their sum is the evidence."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.bovw.encoder import WORD
from anomaly.model.bovw.histogram import bin_count, bins, histogram
from anomaly.model.bovw.votes import vote_map, votes_of_patches

GRID, WORDS = 64, 5


def patches(*rows: tuple[float, float, float, int]) -> np.ndarray:
    """Patches of (x, y, side, word)."""
    return np.array(list(rows), WORD)


@pytest.mark.parametrize("side", [0.05, 0.15])
def test_a_vote_lies_on_its_patch_and_near_it(side):
    result = vote_map(patches((0.375, 0.625, side, 0)), np.array([1.0]), GRID)
    assert np.unravel_index(result.argmax(), result.shape) == (40, 24)
    assert result.sum() == pytest.approx(1, abs=1e-2)
    distance = np.hypot(*(np.mgrid[:GRID, :GRID] - np.array([40, 24])[:, None, None]))
    assert result[distance < 2 * side * GRID].sum() > 0.9
    assert result[distance > 3 * side * GRID].sum() < 0.01


def test_votes_of_all_sides_add_up():
    words = patches((0.2, 0.2, 0.05, 0), (0.6, 0.6, 0.3, 1), (0.4, 0.8, 0.11, 2))
    votes = np.array([1.0, -2.0, 0.5])
    each = [vote_map(words[i : i + 1], votes[i : i + 1], GRID) for i in range(3)]
    assert np.allclose(vote_map(words, votes, GRID), sum(each), atol=1e-6)
    assert np.allclose(
        vote_map(words[::-1], votes[::-1], GRID), vote_map(words, votes, GRID), atol=1e-6
    )


def test_a_patch_on_the_very_edge_votes_inside_the_grid():
    words = patches((1.001, -0.001, 0.05, 0))
    result = vote_map(words, np.array([1.0]), GRID)
    assert np.unravel_index(result.argmax(), result.shape) == (0, GRID - 1)


def test_without_patches_the_map_is_0():
    assert not vote_map(patches(), np.zeros(0), GRID).any()


@pytest.mark.parametrize("levels", [1, 3])
def test_votes_sum_to_the_evidence_of_bins_that_are_not_empty(levels):
    random = np.random.default_rng(0)
    words = np.zeros(40, WORD)
    words["x"], words["y"], words["word"] = *random.random((2, 40)), random.integers(0, WORDS, 40)
    evidence = random.normal(size=bin_count(WORDS, levels))
    votes = votes_of_patches(evidence, bins(words, WORDS, levels))
    assert votes.sum() == pytest.approx(evidence[histogram(words, WORDS, levels) > 0].sum())


def test_patches_of_one_bin_have_the_same_vote():
    words = patches((0.1, 0.1, 0.1, 3), (0.2, 0.2, 0.1, 3), (0.3, 0.1, 0.1, 1))
    votes = votes_of_patches(np.array([0, 5.0, 0, 8.0, 0]), bins(words, WORDS, 1))
    assert votes.tolist() == [4, 4, 5]
