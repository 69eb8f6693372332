"""Intersection over union of masks, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from anomaly.masks.overlap import iou, ious


def drawn(seed: int, shape=(4, 20, 30)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) > 0.6


def test_it_agrees_with_scikit_learn():
    pairs = zip(drawn(0), drawn(1), strict=True)
    expected = [jaccard_score(one.ravel(), other.ravel()) for one, other in pairs]
    assert ious(drawn(0), drawn(1)) == pytest.approx(expected, abs=1e-15)


def test_a_mask_overlaps_itself_wholly_and_its_complement_not_at_all():
    mask = drawn(2)[0]
    assert (iou(mask, mask), iou(mask, ~mask)) == (1, 0)


def test_two_empty_masks_do_not_overlap():
    empty = np.zeros((4, 4), bool)
    assert iou(empty, empty) == 0
    assert ious(empty[None], empty[None]).tolist() == [0]


def test_no_pairs_have_no_overlaps():
    none = ious(drawn(0)[:0], drawn(1)[:0])
    assert none.shape == (0,) and none.dtype == np.float64


def test_other_numbers_of_masks_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        ious(drawn(0), drawn(1)[:2])
