"""The defects of an image that is numbered by them."""

from __future__ import annotations

import numpy as np

from anomaly.masks.boxes import instances


def test_each_number_is_an_instance_in_however_many_pieces():
    numbered = np.array([[2, 0, 0, 7], [0, 2, 0, 0], [0, 0, 0, 7]], np.uint8)
    boxes, masks = instances(numbered)
    assert boxes.tolist() == [[0, 0, 2, 2], [3, 0, 4, 3]]
    assert masks.sum((1, 2)).tolist() == [2, 2] and masks.dtype == bool


def test_no_number_is_no_instance():
    boxes, masks = instances(np.zeros((5, 7), np.uint8))
    assert boxes.shape == (0, 4) and masks.shape == (0, 5, 7) and masks.dtype == bool


def test_a_full_image_is_one_up_to_the_border():
    boxes, masks = instances(np.ones((5, 7), np.uint8))
    assert boxes.tolist() == [[0, 0, 7, 5]] and masks.all()


def test_boxes_are_those_of_their_masks():
    for seed in range(20):
        numbered = np.random.default_rng(seed).integers(0, 9, (30, 40)).astype(np.uint8)
        numbered[np.random.default_rng(seed).random((30, 40)) < 0.8] = 0
        boxes, masks = instances(numbered)
        assert np.array_equal(masks.any(0), numbered > 0) and masks.sum(0).max() == 1
        for (x1, y1, x2, y2), one in zip(boxes, masks, strict=True):
            assert one[y1:y2, x1:x2].sum() == one.sum()
            assert one[y1].any() and one[y2 - 1].any() and one[:, x1].any() and one[:, x2 - 1].any()
