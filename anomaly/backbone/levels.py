"""The levels C2 to C5: their strides, and which map of a network is which level."""

from __future__ import annotations

from collections.abc import Iterable

import keras

STRIDES = {"C2": 4, "C3": 8, "C4": 16, "C5": 32}


def sides(image_size: int) -> dict[str, int]:
    """Cells along each side of every level; the last may reach over the image's edge."""
    return {level: -(-image_size // stride) for level, stride in STRIDES.items()}


def last_of_each_side(maps: Iterable[keras.KerasTensor]) -> dict[int, keras.KerasTensor]:
    """The last square map (n, side, side, c) of every side, in the order in which they are made."""
    square = [m for m in maps if len(m.shape) == 4 and m.shape[1] == m.shape[2]]
    return {m.shape[1]: m for m in square}
