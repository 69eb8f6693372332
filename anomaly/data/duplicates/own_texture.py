"""What a part shows that others do not: the evidence that two shots are of one part.

Other parts, turned and bent onto this one, show what all of them share; what is left is its own.
"""

from __future__ import annotations

import cv2
import numpy as np

from anomaly.data.duplicates.texture import (
    FINE,
    FLAT,
    SIDE,
    blur,
    each,
    laid,
    outline,
    shifts,
    texture,
    vectors,
)

COARSE = 32  # pixels: the side on which an angle is found
DETAIL = 2.0  # the same where evidence is sought: an outline's halo must not cover the surface
SHIFT = 3  # pixels at SIDE searched to every side of an image that cannot be registered
WINDOW = 3.0  # sigma at SIDE of the place over which two textures are compared
OTHERS = 12  # parts asked what they share with a part
TURN = 15  # degrees between the angles tried; bending does the rest
SHARED = 0.7  # correlation of a place with the same place of another part
EVIDENCE = 0.55  # correlation of own textures (measured in docs/decisions/0003-copies.md)


def own_textures(greys: np.ndarray, some: np.ndarray) -> np.ndarray:
    """(m, SIDE, SIDE) textures of some images, 0 wherever most others show the same."""
    centred = each(_centred, greys)
    details = each(lambda grey: texture(grey, DETAIL), centred)
    likeness, angles = _turned(centred, some)

    def own(row: int) -> np.ndarray:
        part = texture(greys[some[row]], DETAIL)
        shown = [
            _likeness(part, _bent(part, _turn(details[j], TURN * angles[row, j])))
            for j in _others(likeness[row])
        ]
        return np.where(np.median(shown, axis=0) < SHARED, part, 0)

    return each(own, range(len(some)))


def evident(own: np.ndarray) -> np.ndarray:
    """(m, m) bool: own textures correlate over the places that are own to both images."""
    side, alike = SIDE - 2 * SHIFT, np.zeros((len(own), len(own)), bool)
    one, one_power, one_place = _parts(own[:, SHIFT:-SHIFT, SHIFT:-SHIFT])
    for dy, dx in shifts(SHIFT):
        two, two_power, two_place = _parts(own[:, dy : dy + side, dx : dx + side])
        power = (one_power @ two_place.T) * (one_place @ two_power.T)
        alike |= one @ two.T > EVIDENCE * np.sqrt(power)
    return alike | alike.T


def _parts(own: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = own.reshape(len(own), -1)
    return rows, rows**2, (rows != 0).astype(np.float32)


def _centred(grey: np.ndarray) -> np.ndarray:
    """The image rolled so that its outline's centre of mass is the middle, about which it turns."""
    power = outline(grey) ** 2
    at = np.arange(FINE) - (FINE - 1) / 2
    y, x = (round(np.dot(power.sum(axis), at) / (power.sum() + FLAT)) for axis in (1, 0))
    return np.roll(grey, (-y, -x), (0, 1))


def _turned(greys: np.ndarray, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, n) likeness of some images to all, and the turn (in steps) at which it is largest."""
    small = each(lambda g: cv2.resize(g, (COARSE, COARSE), interpolation=cv2.INTER_AREA), greys)
    parts = vectors(small[some])
    turns = range(0, 360, TURN)
    found = [parts @ vectors(each(lambda g: _turn(g, a), small)).T for a in turns]  # noqa: B023
    likeness = np.max(found, axis=0)
    likeness[np.arange(len(some)), some] = -np.inf  # itself
    return likeness, np.argmax(found, axis=0)


def _others(likeness: np.ndarray) -> np.ndarray:
    """OTHERS indices spread over the liker half, so that a few copies never are the majority."""
    order = np.argsort(-likeness, kind="stable")[:-1]
    half = order[: max(len(order) // 2, OTHERS)]
    return half[np.linspace(0, len(half) - 1, min(OTHERS, len(half))).astype(int)]


def _turn(image: np.ndarray, degrees: float) -> np.ndarray:
    side = len(image)
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), float(degrees), 1)
    return cv2.warpAffine(image, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)


def _bent(part: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The other texture laid and bent onto the part's (DIS flow; Kroeger et al., ECCV 2016)."""
    other = laid(other, part)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    one, two = (np.clip(32 * image + 128, 0, 255).astype(np.uint8) for image in (part, other))
    moves = flow.calc(one, two, np.zeros((SIDE, SIDE, 2), np.float32))
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    return cv2.remap(other, x + moves[..., 0], y + moves[..., 1], cv2.INTER_CUBIC)


def _likeness(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE) correlation of two textures around every pixel."""
    both, one, two = (blur(product, WINDOW) for product in (a * b, a * a, b * b))
    return both / np.sqrt((one + FLAT**2) * (two + FLAT**2))
