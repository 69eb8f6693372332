"""Turned views of an image: a network that sees right sees the same in all of them."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.mask_rcnn.views import look

SIDE = 32


def image() -> np.ndarray:
    """A bright patch in a corner, at no two places alike under turning."""
    out = np.zeros((1, SIDE, SIDE, 3), np.float32)
    out[0, 4:10, 6:20] = 255
    return out


def sees(images: np.ndarray) -> list[dict[str, np.ndarray]]:
    """A network that finds the bright patch, whole, wherever it lies."""
    answers = []
    for picture in images[..., 0]:
        rows, columns = np.nonzero(picture)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        answers.append(
            {
                "boxes": np.array([box, [0, 0, 0, 0]], np.float32),
                "scores": np.array([0.8, -1], np.float32),
                "labels": np.array([2, 1], np.int32),
                "masks": np.ones((2, 4, 4), np.float32),
            }
        )
    return answers


@pytest.mark.parametrize("views", [1, 2, 4, 8])
def test_all_views_agree_on_what_every_view_shows(views):
    ((found, heat),) = look(sees, image(), SIDE, views)
    assert found.boxes.tolist() == [[6, 4, 20, 10]] and found.labels.tolist() == [2]
    np.testing.assert_array_equal(found.masks[0], image()[0, ..., 0] > 0)
    np.testing.assert_allclose(found.scores, [0.8], rtol=1e-6)
    np.testing.assert_allclose(heat, 0.8 * found.masks[0], atol=1e-6)


def test_what_half_of_the_views_miss_is_half_as_sure():
    calls = iter(range(8))

    def sometimes(images):
        (row,) = sees(images)
        return [row if next(calls) % 2 else {**row, "scores": np.array([-1, -1], np.float32)}]

    ((found, heat),) = look(sometimes, image(), SIDE, 8)
    np.testing.assert_allclose(found.scores, [0.4], rtol=1e-6)
    assert heat.max() == pytest.approx(0.4)


def test_the_grid_may_be_another_than_the_network_sees():
    ((found, _),) = look(sees, image(), 2 * SIDE, 8)
    assert found.boxes.tolist() == [[12, 8, 40, 20]]
