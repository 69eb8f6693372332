"""Measures how likely two images show the same physical part, photographed twice.

Parts on a line are aligned and look alike, so a perceptual hash fuses nearly all of them. What
tells two shots of one part from two parts is fine texture: grey minus its Gaussian blur
(lighting), minus the category's mean (what all parts share), correlated over small shifts.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np

FINE = 256  # pixels: the side on which images are registered
SIDE = 128  # pixels: the side on which textures are compared
LIGHT = 4.0  # sigma at SIDE: structure coarser than this is lighting
SMOOTH = 0.7  # sigma at SIDE: hides what resampling does to the finest pixels
SHIFT = 3  # pixels at SIDE searched to every side of an image that cannot be registered
FAR = 12  # pixels at FINE: a larger registration is not a part that moved a little
FLAT = 1e-3  # a texture with less contrast than this says nothing
ALL = np.ones((FINE, FINE), np.uint8)
STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-4)


def similar_pairs(greys: np.ndarray, threshold: float) -> np.ndarray:
    """(p, 2) indices of images whose textures correlate above `threshold`, each pair once.

    `greys` is (n, FINE, FINE) float32. Textures are compared twice: as photographed, over whole
    pixel shifts (parts that lie anywhere), and registered to the category's mean (aligned parts,
    where a shift of half a pixel would keep the shared outline from cancelling).
    """
    outlines = _each(_outline, greys)
    mean = outlines.mean(0)
    moved = _each(lambda i: _register(greys[i], outlines[i], mean), range(len(greys)))
    raw = _each(texture, greys)
    registered = _each(lambda grey: texture(grey, SMOOTH), moved)
    pairs = np.concatenate([_above(raw, threshold, SHIFT), _above(registered, threshold, 1)])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def texture(grey: np.ndarray, smooth: float = 0.0) -> np.ndarray:
    """(SIDE, SIDE) float32 fine structure of a grey image: zero mean, unit variance, or all 0."""
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    kept = cv2.GaussianBlur(small, (0, 0), smooth) if smooth else small
    return _standard(kept - cv2.GaussianBlur(kept, (0, 0), LIGHT))


def _outline(grey: np.ndarray) -> np.ndarray:
    return _standard(grey - cv2.GaussianBlur(grey, (0, 0), LIGHT * FINE / SIDE))


def _register(grey: np.ndarray, outline: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The image moved onto the category's mean, to a fraction of a pixel.

    The whole-pixel shift is found by correlation, the rest by ECC (Evangelidis & Psarakis,
    "Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization", 2008).
    An image that does not resemble the mean stays where it is.
    """
    start = _whole_shift(outline, mean)
    warp: Any = np.array([[1, 0, start[0]], [0, 1, start[1]]], np.float32)
    try:
        _, warp = cv2.findTransformECC(
            mean, outline, warp, cv2.MOTION_TRANSLATION, STOP, inputMask=ALL, gaussFiltSize=5
        )
    except cv2.error:  # it says so when the alignment does not converge
        return grey
    if np.abs(warp[:, 2]).max() > FAR:
        return grey
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(grey, warp, (FINE, FINE), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _whole_shift(outline: np.ndarray, mean: np.ndarray) -> tuple[int, int]:
    """(dx, dy) in pixels at which the mean's middle lies best on the image."""
    match = cv2.matchTemplate(outline, mean[FAR:-FAR, FAR:-FAR], cv2.TM_CCORR_NORMED)
    x, y = cv2.minMaxLoc(match)[3]
    return x - FAR, y - FAR


def _above(textures: np.ndarray, threshold: float, reach: int) -> np.ndarray:
    """(p, 2) pairs that correlate above the threshold at some shift of up to `reach` pixels."""
    own = _standard(textures - textures.mean(0))
    side = SIDE - 2 * reach
    core = _vectors(own[:, reach:-reach, reach:-reach])
    found = [np.zeros((0, 2), np.int64)]
    for dy, dx in _shifts(reach):
        alike = core @ _vectors(own[:, dy : dy + side, dx : dx + side]).T > threshold
        found.append(np.argwhere(alike))
    pairs = np.concatenate(found)
    return pairs[pairs[:, 0] != pairs[:, 1]]


def _shifts(reach: int) -> list[tuple[int, int]]:
    """Half of all shifts: the other half compares the same pairs the other way round."""
    every = [(dy, dx) for dy in range(2 * reach + 1) for dx in range(2 * reach + 1)]
    return every[: len(every) // 2 + 1]


def _vectors(windows: np.ndarray) -> np.ndarray:
    """Windows as unit vectors, whose products are correlations."""
    rows = _standard(windows).reshape(len(windows), -1)
    return rows / np.sqrt(rows.shape[1])


def _standard(images: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance over the last two axes; flat images become 0."""
    centred = images - images.mean((-2, -1), keepdims=True)
    spread = centred.std((-2, -1), keepdims=True)
    return np.where(spread > FLAT, centred / np.maximum(spread, FLAT), 0).astype(np.float32)


def _each(compute: Callable, items) -> np.ndarray:
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(compute, items)))
