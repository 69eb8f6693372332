"""The box around a mask."""

from __future__ import annotations

import numpy as np

from anomaly.masks.boxes import box_of, boxes_of


def test_a_box_ends_beyond_the_last_pixel():
    mask = np.zeros((5, 7), bool)
    mask[1, 2] = mask[3, 4] = True
    assert box_of(mask) == (2, 1, 5, 4)


def test_a_full_mask_reaches_the_border():
    assert box_of(np.ones((5, 7), bool)) == (0, 0, 7, 5)


def test_no_mask_is_no_box():
    none = boxes_of(np.zeros((0, 5, 7), bool))
    assert none.shape == (0, 4) and none.dtype == np.float32
    assert boxes_of([]).shape == (0, 4)


def test_a_box_holds_every_pixel_of_its_mask_and_touches_it_on_each_side():
    for seed in range(20):
        masks = np.random.default_rng(seed).random((6, 30, 40)) > 0.99
        masks[:, seed, seed] = True
        boxes = boxes_of(masks)
        assert boxes.dtype == np.float32
        for (x1, y1, x2, y2), mask in zip(boxes.astype(int), masks, strict=True):
            assert mask[y1:y2, x1:x2].sum() == mask.sum()
            sides = (mask[y1], mask[y2 - 1], mask[:, x1], mask[:, x2 - 1])
            assert all(side.any() for side in sides)
