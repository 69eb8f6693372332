"""RoIAlign, against a literal double loop over bins and samples."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.mask_rcnn.layers.roi_align import RoIAlign, level_of

SIDES = (32, 16, 8, 4)  # of P2 to P5 of an image of 128 pixels


def bilinear(level: np.ndarray, y: float, x: float) -> np.ndarray:
    """The value at a point; the middle of cell (0, 0) is (0.5, 0.5)."""
    last = len(level) - 1
    y, x = (float(np.clip(v - 0.5, 0, last)) for v in (y, x))
    top, left = int(y), int(x)
    bottom, right = min(top + 1, last), min(left + 1, last)
    down, across = y - top, x - left
    upper = level[top, left] * (1 - across) + level[top, right] * across
    lower = level[bottom, left] * (1 - across) + level[bottom, right] * across
    return upper * (1 - down) + lower * down


def literal(level: np.ndarray, box: np.ndarray, bins: int) -> np.ndarray:
    """(bins, bins, c) of a box in cells."""
    x1, y1, x2, y2 = box
    out = np.zeros((bins, bins, level.shape[-1]))
    for row in range(bins):
        for column in range(bins):
            points = [
                (y1 + (y2 - y1) * (row + dy) / bins, x1 + (x2 - x1) * (column + dx) / bins)
                for dy in (0.25, 0.75)
                for dx in (0.25, 0.75)
            ]
            out[row, column] = np.mean([bilinear(level, y, x) for y, x in points], 0)
    return out


@pytest.fixture
def levels() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.normal(size=(2, side, side, 3)).astype(np.float32) for side in SIDES]


@pytest.mark.parametrize("bins", [2, 7])
def test_it_equals_the_double_loop(bins, levels):
    random = np.random.default_rng(1)
    corner, size = random.uniform(-10, 100, (2, 40, 2)), random.uniform(1, 90, (2, 40, 2))
    boxes = np.concatenate([corner, corner + size], -1).astype(np.float32)  # some reach outside
    result = np.asarray(RoIAlign(bins, 28)(levels, boxes))
    chosen = np.asarray(level_of(boxes, 28))
    assert set(chosen.ravel()) == {0, 1, 2, 3}
    for image in range(2):
        for region in range(40):
            level = chosen[image, region]
            expected = literal(levels[level][image], boxes[image, region] / 2 ** (level + 2), bins)
            assert np.allclose(result[image, region], expected, atol=1e-4)


def test_on_a_slope_each_bin_has_the_value_at_its_centre():
    x = np.arange(32, dtype=np.float32) + 0.5
    slope = np.tile(x[None, :, None], (32, 1, 1))[None]
    levels = [slope, *(np.zeros((1, side, side, 1), np.float32) for side in SIDES[1:])]
    result = np.asarray(RoIAlign(4, 10_000)(levels, np.float32([[[20, 20, 84, 84]]])))
    assert np.allclose(result[0, 0, :, :, 0], [[7, 11, 15, 19]] * 4, atol=1e-4)


def test_a_box_of_the_canonical_size_uses_p4_and_one_of_half_the_size_p3():
    sizes = np.float32([1, 111, 112, 223, 224, 447, 448, 9999])
    boxes = np.stack([sizes * 0, sizes * 0, sizes, sizes], -1)[None]
    assert np.asarray(level_of(boxes, 224)).tolist() == [[0, 0, 1, 1, 2, 2, 3, 3]]


def test_an_empty_box_gives_finite_values(levels):
    result = np.asarray(RoIAlign(7, 224)(levels, np.zeros((2, 3, 4), np.float32)))
    assert np.isfinite(result).all()
