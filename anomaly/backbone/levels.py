"""The levels C2 to C5: their strides, and which maps of a network they are."""

from __future__ import annotations

from collections.abc import Iterable

import keras

STRIDES = {"C2": 4, "C3": 8, "C4": 16, "C5": 32}


def sides(image_size: int) -> dict[str, int]:
    """{level: cells along each side}; the last cell may extend beyond the image."""
    return {level: -(-image_size // stride) for level, stride in STRIDES.items()}


def last_of_each_side(maps: Iterable[keras.KerasTensor]) -> dict[int, keras.KerasTensor]:
    """{side: the last square map (n, side, side, c)} of maps in the order of computation."""
    square = [m for m in maps if len(m.shape) == 4 and m.shape[1] == m.shape[2]]
    return {m.shape[1]: m for m in square}
