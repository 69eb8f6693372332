"""Boxes encoded and decoded, and the anchors that they are relative to."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.mask_rcnn.layers import boxes
from anomaly.model.mask_rcnn.layers.anchors import STRIDES, anchors

UNITS = (1.0, 1.0, 1.0, 1.0)
FINE = (0.1, 0.1, 0.2, 0.2)
RATIOS = (0.5, 1.0, 2.0)


def some_boxes(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    corner, size = random.uniform(0, 80, (count, 2)), random.uniform(2, 40, (count, 2))
    return np.concatenate([corner, corner + size], 1).astype(np.float32)


@pytest.mark.parametrize("variance", [UNITS, FINE])
def test_decoding_inverts_encoding(variance):
    near, true = some_boxes(50), some_boxes(50, seed=1)
    deltas = boxes.encode(near, true, variance)
    assert np.allclose(boxes.decode(near, deltas, variance), true, atol=1e-3)


def test_a_shift_by_a_tenth_and_a_doubling_by_hand():
    near = np.float32([[10, 20, 30, 60]])  # 20 wide, 40 high
    true = np.float32([[2, 24, 42, 64]])  # middle 2 to the right, 4 down; twice as wide
    expected = [[2 / 20 / 0.1, 4 / 40 / 0.1, np.log(2) / 0.2, 0]]
    assert np.allclose(boxes.encode(near, true, FINE), expected, atol=1e-5)


def test_growth_is_limited():
    grown = np.asarray(
        boxes.decode(np.float32([[0, 0, 16, 16]]), np.full((1, 4), 1e4, np.float32), UNITS)
    )
    assert grown[0, 2] - grown[0, 0] == pytest.approx(1000, rel=1e-4)


def test_clipping_cuts_at_the_edges():
    clipped = boxes.clip(np.float32([[-5, 3, 70, 200]]), 64)
    assert np.asarray(clipped).tolist() == [[0, 3, 64, 64]]


def test_overlap_by_hand():
    one = np.float32([[[0, 0, 10, 10], [0, 0, 0, 0]]])
    other = np.float32([[[5, 0, 15, 10], [0, 0, 10, 10], [20, 20, 30, 30], [0, 0, 0, 0]]])
    expected = [[[1 / 3, 1, 0, 0], [0, 0, 0, 0]]]
    assert np.allclose(boxes.iou(one, other), expected, atol=1e-5)


def test_anchors_lie_around_the_centres_of_their_cells():
    levels = anchors(128, (8, 16, 32, 64, 128), RATIOS)
    assert [len(level) for level in levels] == [3 * (128 // s) ** 2 for s in STRIDES]
    for level, stride in zip(levels, STRIDES, strict=True):
        centres = (level[:, :2] + level[:, 2:]).reshape(-1, 3, 4 // 2) / 2
        assert np.allclose(centres[0], stride / 2)
        assert np.allclose(centres[1], (1.5 * stride, stride / 2))  # reading order: to the right


def test_anchors_have_their_areas_and_ratios():
    for level, scale in zip(
        anchors(128, (8, 16, 32, 64, 128), RATIOS), (8, 16, 32, 64, 128), strict=True
    ):
        width, height = (level[:, 2:] - level[:, :2]).T
        assert np.allclose(width * height, scale**2, rtol=1e-5)
        assert np.allclose((height / width).reshape(-1, 3), RATIOS, rtol=1e-5)


def test_part_of_a_cell_has_anchors_too():
    assert len(anchors(96, (8, 16, 32, 64, 128), [1.0])[-1]) == 2 * 2
