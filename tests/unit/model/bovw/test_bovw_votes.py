"""Votes land where their patches are, as wide as these are, and nothing is lost or invented."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.bovw.histogram import bins, histogram, length
from anomaly.model.bovw.encoder import SEEN
from anomaly.model.bovw.votes import heat, share_out, spread

GRID, WORDS = 64, 5


def patches(*rows: tuple[float, float, float, int]) -> np.ndarray:
    """Patches of (x, y, side, word)."""
    return np.array(list(rows), SEEN)


@pytest.mark.parametrize("side", [0.05, 0.15])
def test_a_vote_lands_on_its_patch_and_near_it(side):
    found = spread(patches((0.375, 0.625, side, 0)), np.array([1.0]), GRID)
    assert np.unravel_index(found.argmax(), found.shape) == (40, 24)
    assert found.sum() == pytest.approx(1, abs=1e-2)
    apart = np.hypot(*(np.mgrid[:GRID, :GRID] - np.array([40, 24])[:, None, None]))
    assert found[apart < 2 * side * GRID].sum() > 0.9
    assert found[apart > 3 * side * GRID].sum() < 0.01


def test_votes_of_all_sides_add_up():
    own = patches((0.2, 0.2, 0.05, 0), (0.6, 0.6, 0.3, 1), (0.4, 0.8, 0.11, 2))
    votes = np.array([1.0, -2.0, 0.5])
    each = [spread(own[i : i + 1], votes[i : i + 1], GRID) for i in range(3)]
    assert np.allclose(spread(own, votes, GRID), sum(each), atol=1e-6)
    assert np.allclose(spread(own[::-1], votes[::-1], GRID), spread(own, votes, GRID), atol=1e-6)


def test_a_patch_on_the_very_edge_votes_inside_the_grid():
    own = patches((1.001, -0.001, 0.05, 0))
    found = spread(own, np.array([1.0]), GRID)
    assert np.unravel_index(found.argmax(), found.shape) == (0, GRID - 1)


def test_without_patches_the_map_is_cold():
    assert not spread(patches(), np.zeros(0), GRID).any()
    assert not heat(spread(patches(), np.zeros(0), GRID)).any()


@pytest.mark.parametrize("levels", [1, 3])
def test_the_patches_share_out_all_the_evidence_of_bins_that_are_not_empty(levels):
    random = np.random.default_rng(0)
    own = np.zeros(40, SEEN)
    own["x"], own["y"], own["word"] = *random.random((2, 40)), random.integers(0, WORDS, 40)
    evidence = random.normal(size=length(WORDS, levels))
    votes = share_out(evidence, bins(own, WORDS, levels))
    assert votes.sum() == pytest.approx(evidence[histogram(own, WORDS, levels) > 0].sum())


def test_patches_of_one_bin_vote_alike():
    own = patches((0.1, 0.1, 0.1, 3), (0.2, 0.2, 0.1, 3), (0.3, 0.1, 0.1, 1))
    votes = share_out(np.array([0, 5.0, 0, 8.0, 0]), bins(own, WORDS, 1))
    assert votes.tolist() == [4, 4, 5]


def test_heat_knows_only_what_speaks_for_a_defect():
    warm = heat(np.array([[-3.0, 0.0], [1.0, 4.0]], np.float32))
    assert warm.tolist() == [[0, 0], [0.25, 1]]
