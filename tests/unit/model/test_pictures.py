"""Turned views, and pictures that repeat."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.pictures import Picture, first_occurrences, turn, turn_back

IMAGE = np.arange(4 * 4 * 3).reshape(4, 4, 3)


@pytest.mark.parametrize("view", range(8))
def test_a_view_is_turned_back(view):
    assert (turn_back(turn(IMAGE, view), view) == IMAGE).all()
    assert (turn_back(turn(IMAGE[..., 0], view), view) == IMAGE[..., 0]).all()


def test_the_eight_views_differ_and_the_first_is_the_image():
    assert len({turn(IMAGE, view).tobytes() for view in range(8)}) == 8
    assert (turn(IMAGE, 0) == IMAGE).all()


def test_repeated_pictures_count_once_where_they_occur_first():
    pictures = [Picture(key, lambda: IMAGE) for key in "abacbd"]
    assert first_occurrences(pictures) == [0, 1, 3, 5]
    assert first_occurrences([]) == []
