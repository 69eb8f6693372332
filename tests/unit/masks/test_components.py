"""A mask cut into its separate defects, and put together again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from anomaly.masks.components import components, largest_first, masks_of


def mask() -> np.ndarray:
    """A square of 100 pixels, a bar of 40, two pixels that touch by a corner, one alone."""
    out = np.zeros((64, 64), bool)
    out[10:20, 10:20] = out[40:44, 20:30] = True
    out[50, 50] = out[51, 51] = out[60, 5] = True
    return out


def sizes(mask: np.ndarray, min_area: int) -> list[int]:
    return np.bincount(largest_first(mask, min_area).ravel())[1:].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_components_are_those_of_scipy(seed):
    drawn = ndimage.gaussian_filter(np.random.default_rng(seed).random((60, 80)), 2) > 0.5
    label_map, areas = components(drawn)
    theirs, count = ndimage.label(drawn, np.ones((3, 3)))
    pairs = np.unique(np.stack([label_map.ravel(), theirs.ravel()]), axis=1)
    assert pairs.shape[1] == count + 1  # each of ours is one of theirs, background included
    assert areas.tolist() == np.bincount(label_map.ravel())[1:].tolist()


def test_an_empty_mask_has_no_component():
    label_map, areas = components(np.zeros((5, 7), bool))
    assert not label_map.any() and areas.shape == (0,)


def test_the_largest_comes_first_and_corners_join():
    assert sizes(mask(), 0) == [100, 40, 2, 1]


def test_specks_are_noise_but_for_the_last_one():
    assert sizes(mask(), 10) == [100, 40]
    assert sizes(mask(), 1000) == [100]
    assert sizes(np.zeros((8, 8), bool), 10) == []


def test_each_number_has_a_mask_in_however_many_pieces():
    label_map = np.array([[2, 0, 0, 7], [0, 2, 0, 0], [0, 0, 0, 7]], np.uint8)
    masks = masks_of(label_map)
    assert masks.dtype == bool and masks.sum((1, 2)).tolist() == [2, 2]
    assert masks[0, 1, 1] and masks[1, 2, 3]


def test_no_number_has_no_mask():
    masks = masks_of(np.zeros((5, 7), np.uint8))
    assert masks.shape == (0, 5, 7) and masks.dtype == bool


def test_the_masks_together_are_all_that_is_marked():
    for seed in range(5):
        random = np.random.default_rng(seed)
        label_map = random.integers(0, 9, (30, 40)).astype(np.uint8)
        masks = masks_of(label_map)
        assert np.array_equal(masks.any(0), label_map > 0) and masks.sum(0).max() == 1
