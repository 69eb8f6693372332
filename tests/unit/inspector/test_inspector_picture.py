"""The small picture keeps the photo's shape and shows what is where."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from anomaly.inspector.folder.picture import SIDE, thumbnail
from anomaly.inspector.verdict import Box, Verdict


def verdict(**what) -> Verdict:
    return Verdict("a", "defect", "bent", 0.9, 0.9, {"good": 0.1, "bent": 0.9}, **what)


def photo(height: int, width: int, colour=(40, 80, 160)) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (height, width, 3)).copy()


def read(content: bytes) -> np.ndarray:
    """RGB."""
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)


def pink(picture: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(picture, -1, 0)
    return (red > 200) & (green < 200) & (blue > 170)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((900, 900), (480, 480)),
        ((600, 900), (320, 480)),
        ((900, 600), (480, 320)),
        ((30, 64), (225, 480)),
        ((3, 5000), (1, 480)),
        ((1, 1), (480, 480)),
    ],
)
def test_the_shape_of_the_photo_is_kept(shape, expected):
    everywhere = np.ones((16, 16), bool)
    whole = Box(0, 0, shape[1], shape[0], "bent", 0.9)
    for what in ({}, {"mask": everywhere, "boxes": (whole,)}):
        assert read(thumbnail(photo(*shape), verdict(**what))).shape == (*expected, 3)


def test_a_photo_without_a_defect_is_left_as_it_is():
    clear = verdict(mask=np.zeros((64, 64), bool))
    for each in (verdict(), clear):
        picture = read(thumbnail(photo(900, 900), each))
        assert np.abs(picture - (40, 80, 160)).max() < 8


def test_the_outline_is_where_the_defective_pixels_are():
    mask = np.zeros((64, 64), bool)
    mask[32:48, 8:16] = True  # of a photo that is twice as wide as high
    drawn = pink(read(thumbnail(photo(450, 900), verdict(mask=mask))))
    rows, columns = np.nonzero(drawn)
    scale = np.array([240, 480]) / 64
    for found, (first, last) in ((rows, (32, 48)), (columns, (8, 16))):
        side = scale[0] if found is rows else scale[1]
        assert abs(found.min() - first * side) < 6 and abs(found.max() - last * side) < 6
    assert not drawn[
        rows.min() + 10 : rows.max() - 10, columns.min() + 10 : columns.max() - 10
    ].any()


def test_boxes_are_where_they_are_in_the_photo():
    box = Box(300, 450, 600, 750, "bent", 0.87)
    drawn = pink(read(thumbnail(photo(900, 900), verdict(boxes=(box,)))))
    scale = SIDE / 900
    sides = np.flatnonzero(drawn.sum(0) > 60), np.flatnonzero(drawn.sum(1) > 60)
    for found, ends in zip(sides, ((300, 600), (450, 750)), strict=True):
        assert found.min() == pytest.approx(ends[0] * scale, abs=4)
        assert found.max() == pytest.approx(ends[1] * scale, abs=4)


@pytest.mark.parametrize("name", ["bent", "verbogen_ä", "凹み", "", "a very long name " * 9])
@pytest.mark.parametrize("corner", [(0, 0), (700, 0), (0, 700), (700, 700)])
def test_a_label_is_in_the_picture_whatever_its_name_and_place(name, corner):
    x, y = corner
    box = Box(x, y, x + 200, y + 200, name, 0.87)
    picture = read(thumbnail(photo(900, 900, (0, 0, 0)), verdict(boxes=(box,))))
    white = (picture > 200).all(-1)
    assert white.sum() > 40
    assert white.any(1).sum() >= 8  # whole letters, not their last rows
