"""SIFT (Lowe, IJCV 2004): patches of an image, described by the directions of their edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import cv2
import numpy as np

from anomaly.cache.code import digest
from anomaly.cache.store import key_of

MAKERS = (
    "model/bovw/descriptors.py",
    "model/bovw/vocabulary.py",
    "model/bovw/encoder.py",
)  # the code that makes patches and words
NUMBERS = 128  # of one descriptor: 4 x 4 cells, 8 directions in each
WINDOW = 6  # side of a patch / OpenCV's keypoint size: 4 cells, each 3 times half that size
FINEST = 12 * 1.6  # side of a patch at SIFT's first scale, pixels
PLACE = [
    (name, np.float32) for name in ("x", "y", "side")
]  # centre and side, as shares of the image
PATCH = np.dtype([*PLACE, ("sift", np.uint8, (NUMBERS,))])


@dataclass(frozen=True)
class Sampling:
    """Where SIFT describes an image: at the keypoints it detects, or in a grid of upright patches."""

    kind: Literal["keypoint", "dense"]
    step: int  # pixels from one dense patch to the next
    sides: tuple[int, ...]  # of the dense patches, pixels

    @property
    def name(self) -> str:
        """A name for everything that the patches of a picture depend on besides the picture."""
        grid = (self.step, self.sides) if self.kind == "dense" else ()
        return key_of("sift", digest(*MAKERS), cv2.__version__, self.kind, *grid)


def describe(image: np.ndarray, sampling: Sampling) -> np.ndarray:
    """(k,) PATCH of a (size, size, 3) uint8 RGB image; without keypoints k is 0."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    sift: Any = cv2.SIFT_create()  # type: ignore[attr-defined]  # missing in OpenCV's stubs
    if sampling.kind == "dense":
        points, descriptors = sift.compute(grey, _grid(len(grey), sampling.step, sampling.sides))
    else:
        points, descriptors = sift.detectAndCompute(grey, None)
    patches = np.zeros(len(points), PATCH)
    if len(points):
        patches["x"], patches["y"] = (np.array(cv2.KeyPoint.convert(points)).T + 0.5) / len(grey)
        patches["side"] = [WINDOW * point.size / len(grey) for point in points]
        patches["sift"] = descriptors  # whole numbers from 0 to 255, though OpenCV returns floats
    return patches


@lru_cache
def _grid(size: int, step: int, sides: tuple[int, ...]) -> tuple[cv2.KeyPoint, ...]:
    """Every patch of a square image; large ones are described in SIFT's coarser octaves."""
    centres = [float(c) for c in np.arange(step / 2, size, step) - 0.5]
    octaves = [max(0, int(np.log2(side / FINEST))) for side in sides]
    return tuple(
        cv2.KeyPoint(x, y, side / WINDOW, 0, 0, octave)
        for side, octave in zip(sides, octaves, strict=True)
        for y in centres
        for x in centres
    )
