"""A mask falls apart into the defects that instance metrics count."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from anomaly.metrics.instances import instances


def test_pixels_that_touch_at_a_corner_are_one():
    mask = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]], bool)
    boxes, masks = instances(mask)
    assert boxes.tolist() == [[0, 0, 2, 2], [3, 2, 4, 3]]
    assert masks.sum((1, 2)).tolist() == [2, 1]


def test_an_empty_mask_has_none():
    boxes, masks = instances(np.zeros((5, 7), bool))
    assert boxes.shape == (0, 4) and masks.shape == (0, 5, 7) and masks.dtype == bool


def test_a_full_mask_is_one_up_to_the_border():
    boxes, masks = instances(np.ones((5, 7), bool))
    assert boxes.tolist() == [[0, 0, 7, 5]] and masks.all()


def test_random_masks_agree_with_scipy():
    for seed in range(20):
        mask = np.random.default_rng(seed).random((30, 40)) < 0.2
        labelled, count = ndimage.label(mask, np.ones((3, 3)))
        boxes, masks = instances(mask)
        assert len(masks) == count
        assert {one.tobytes() for one in masks} == {
            (labelled == index).tobytes() for index in range(1, count + 1)
        }
        for (x1, y1, x2, y2), one in zip(boxes, masks, strict=True):
            assert one[y1:y2, x1:x2].sum() == one.sum()
            assert one[y1].any() and one[y2 - 1].any() and one[:, x1].any() and one[:, x2 - 1].any()
