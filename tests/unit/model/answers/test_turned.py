"""Turned views of an image: a perfect network finds the same in all of them."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.answers.turned import find

SIDE = 32


def image() -> np.ndarray:
    """A bright patch in a corner, which lies elsewhere in every view."""
    out = np.zeros((1, SIDE, SIDE, 3), np.float32)
    out[0, 4:10, 6:20] = 255
    return out


def perfect(images: np.ndarray) -> list[dict[str, np.ndarray]]:
    """A network that finds the bright patch, whole, wherever it lies."""
    rows = []
    for grey in images[..., 0]:
        y, x = np.nonzero(grey)
        box = [x.min(), y.min(), x.max() + 1, y.max() + 1]
        rows.append(
            {
                "boxes": np.array([box, [0, 0, 0, 0]], np.float32),
                "scores": np.array([0.8, -1], np.float32),
                "labels": np.array([2, 1], np.int32),
                "masks": np.ones((2, 4, 4), np.float32),
            }
        )
    return rows


@pytest.mark.parametrize("views", [1, 2, 4, 8])
def test_views_that_agree_give_the_same_as_one(views):
    ((detections, heat),) = find(perfect, image(), SIDE, views)
    assert detections.boxes.tolist() == [[6, 4, 20, 10]] and detections.labels.tolist() == [2]
    np.testing.assert_array_equal(detections.masks[0], image()[0, ..., 0] > 0)
    np.testing.assert_allclose(detections.scores, [0.8], rtol=1e-6)
    np.testing.assert_allclose(heat, 0.8 * detections.masks[0], atol=1e-6)


def test_an_instance_that_half_of_the_views_miss_has_half_the_score():
    calls = iter(range(8))

    def sometimes(images):
        (row,) = perfect(images)
        return [row if next(calls) % 2 else {**row, "scores": np.array([-1, -1], np.float32)}]

    ((detections, heat),) = find(sometimes, image(), SIDE, 8)
    np.testing.assert_allclose(detections.scores, [0.4], rtol=1e-6)
    assert heat.max() == pytest.approx(0.4)


def test_the_grid_may_differ_from_the_input_of_the_network():
    ((detections, _),) = find(perfect, image(), 2 * SIDE, 8)
    assert detections.boxes.tolist() == [[12, 8, 40, 20]]
