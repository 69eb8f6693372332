"""Tells which images show the same physical part, photographed twice.

Parts on a line look alike, so a perceptual hash fuses nearly all of them. Two shots of one part
agree in fine texture: grey minus its Gaussian blur (lighting), minus the category's mean (what all
parts share), correlated over small shifts. Where poses or sizes vary the mean removes no outline,
and parts that happen to lie alike agree by outline alone. So a pair must also agree in what is
its own: where other parts, turned and bent onto this one, do not show the same. A part with an
outline and nothing else has nothing of its own, and without evidence parts are independent.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from anomaly.data.duplicates.own_texture import SHIFT, WINDOW, evident, own_textures
from anomaly.data.duplicates.texture import (
    FINE,
    FLAT,
    SIDE,
    blur,
    each,
    laid,
    outline,
    shifts,
    standard,
    texture,
    vectors,
    whole_shift,
)

GAIN = 8.0  # sigma at SIDE over which the strength of the mean is fitted to an image
FAR = 64  # pixels at FINE: a larger registration is not a part that moved
ALL = np.ones((FINE, FINE), np.uint8)
STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-4)


def similar_pairs(greys: np.ndarray, threshold: float) -> np.ndarray:
    """(p, 2) indices of images whose textures correlate above `threshold`, each pair once.

    `greys` is (n, FINE, FINE) float32. Textures are compared twice: as photographed, over whole
    pixel shifts (parts that lie anywhere), and registered to the category's mean (aligned parts,
    where a shift of half a pixel would keep the shared outline from cancelling).
    """
    if threshold >= 1:  # no correlation is larger, corrected for noise or not
        return np.zeros((0, 2), np.int64)
    outlines = each(outline, greys)
    mean = _common(outlines)
    moved = each(lambda i: _register(greys[i], outlines[i], mean), range(len(greys)))
    raw, registered = each(texture, greys), each(texture, moved)
    alike = _agree(raw, threshold, SHIFT) | _agree(registered, threshold, 1)
    some = np.flatnonzero(alike.any(1))
    if len(some):
        alike[np.ix_(some, some)] &= evident(own_textures(moved, some))
    return np.argwhere(np.triu(alike, 1))


def _common(outlines: np.ndarray) -> np.ndarray:
    """The mean outline, of images shifted onto the most typical one: jittered, it is but a blur."""
    typical = outlines[np.argmax(np.tensordot(outlines, outlines.mean(0), 2))]

    return each(lambda own: laid(own, typical), outlines).mean(0)


def _register(grey: np.ndarray, own: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The image moved onto the category's mean, to a fraction of a pixel.

    The whole-pixel shift is found by correlation, the rest by ECC (Evangelidis & Psarakis,
    "Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization", 2008).
    An image that does not resemble the mean stays where it is.
    """
    start = whole_shift(own, mean)
    warp: Any = np.array([[1, 0, start[0]], [0, 1, start[1]]], np.float32)
    try:
        _, warp = cv2.findTransformECC(
            mean, own, warp, cv2.MOTION_TRANSLATION, STOP, inputMask=ALL, gaussFiltSize=5
        )
    except cv2.error:  # it says so when the alignment does not converge
        return grey
    if np.abs(warp[:, 2]).max() > FAR:
        return grey
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(grey, warp, (FINE, FINE), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _agree(textures: np.ndarray, threshold: float, reach: int) -> np.ndarray:
    """(n, n) bool: beyond the mean, the textures correlate above the threshold.

    Sensor noise lowers every correlation; it is corrected for by the share of the variance that
    is not noise (Spearman, "The Proof and Measurement of Association between Two Things", 1904).
    """
    mean = textures.mean(0)
    beyond = each(lambda own: _beyond(own, mean), textures)
    sure = np.sqrt(_reliability(beyond))
    return _above(beyond, threshold * np.outer(sure, sure), reach)


def _beyond(own: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """What of a texture is not the mean's, which is lit by another lamp in every image."""
    gain = blur(own * mean, GAIN) / (blur(mean * mean, GAIN) + FLAT)
    return standard(own - gain * mean)


def _reliability(textures: np.ndarray) -> np.ndarray:
    """(n,) share of the variance that is not noise, which is what the calmest tenth shows."""
    power = each(lambda own: blur(own * own, WINDOW), textures)
    calm = np.quantile(power.reshape(len(power), -1), 0.1, axis=1)
    return np.clip(1 - calm, 0.5, 1)  # where all is texture none is calm: half at most is noise


def _above(textures: np.ndarray, bars: np.ndarray, reach: int) -> np.ndarray:
    """(n, n) bool: correlated above `bars` (n, n) at some shift of up to `reach` pixels."""
    side = SIDE - 2 * reach
    core = vectors(textures[:, reach:-reach, reach:-reach])
    alike = np.zeros(bars.shape, bool)
    for dy, dx in shifts(reach):
        alike |= core @ vectors(textures[:, dy : dy + side, dx : dx + side]).T > bars
    np.fill_diagonal(alike, False)
    return alike | alike.T
