"""Finds pairs of images that show the same physical part.

Parts on a line look alike, so a perceptual hash would match nearly all of them. Two photographs of
one part agree in fine texture: grey minus its Gaussian blur (lighting), minus the category's mean
(what all parts share), correlated over small shifts. Where poses or sizes vary, the mean does not
remove the outline, and parts that happen to lie in the same pose correlate by outline alone. So a
pair must also match in its distinctive texture: where other parts, rotated and warped onto this
one, look different. A part with nothing but an outline has no distinctive texture, and without
evidence two images count as different parts.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from anomaly.data.duplicates.distinctive_texture import (
    SEARCH_RADIUS,
    WINDOW,
    distinctive_textures,
    matching,
)
from anomaly.data.duplicates.texture import (
    IMAGE_SIDE,
    MIN_CONTRAST,
    TEXTURE_SIDE,
    aligned,
    best_shift,
    blur,
    outline,
    parallel_map,
    shifts,
    standardise,
    texture,
    unit_vectors,
)

GAIN = 8.0  # sigma at TEXTURE_SIDE over which the strength of the mean is fitted to an image
MAX_SHIFT = 64  # pixels at IMAGE_SIDE: a registration that moves a part further has failed
WHOLE_IMAGE = np.ones((IMAGE_SIDE, IMAGE_SIDE), np.uint8)
STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-4)


def similar_pairs(greys: np.ndarray, threshold: float) -> np.ndarray:
    """(p, 2) indices of images whose textures correlate above `threshold`, each pair once.

    Textures are compared twice: as photographed, over shifts by whole pixels (parts in any
    position), and registered to the category's mean (aligned parts, where a shift of half a pixel
    would leave a trace of the shared outline).

    Args:
        greys: (n, IMAGE_SIDE, IMAGE_SIDE) float32.
        threshold: 0..1; at 1 there are no pairs.
    """
    if threshold >= 1:
        return np.zeros((0, 2), np.int64)
    outlines = parallel_map(outline, greys)
    mean = _mean_outline(outlines)
    moved = parallel_map(lambda i: _register(greys[i], outlines[i], mean), range(len(greys)))
    raw, registered = parallel_map(texture, greys), parallel_map(texture, moved)
    similar = _similar(raw, threshold, SEARCH_RADIUS) | _similar(registered, threshold, 1)
    candidates = np.flatnonzero(similar.any(1))
    if len(candidates):
        matches = matching(distinctive_textures(moved, candidates))
        similar[np.ix_(candidates, candidates)] &= matches
    return np.argwhere(np.triu(similar, 1))


def _mean_outline(outlines: np.ndarray) -> np.ndarray:
    """The mean outline of images aligned to the most typical one; unaligned, it would be a blur."""
    typical = outlines[np.argmax(np.tensordot(outlines, outlines.mean(0), 2))]
    return parallel_map(lambda image: aligned(image, typical), outlines).mean(0)


def _register(grey: np.ndarray, edges: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The image, of which `edges` is the outline, moved onto the mean outline by parts of a pixel.

    The shift by whole pixels is found by correlation, the rest by ECC (Evangelidis & Psarakis,
    "Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization", 2008).
    An image that does not resemble the mean stays where it is.
    """
    start = best_shift(edges, mean)
    warp: Any = np.array([[1, 0, start[0]], [0, 1, start[1]]], np.float32)
    try:
        _, warp = cv2.findTransformECC(
            mean,
            edges,
            warp,
            cv2.MOTION_TRANSLATION,
            STOP,
            inputMask=WHOLE_IMAGE,
            gaussFiltSize=5,
        )
    except cv2.error:  # the alignment did not converge
        return grey
    if np.abs(warp[:, 2]).max() > MAX_SHIFT:
        return grey
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (IMAGE_SIDE, IMAGE_SIDE)
    return cv2.warpAffine(grey, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _similar(textures: np.ndarray, threshold: float, radius: int) -> np.ndarray:
    """(n, n) bool: what the textures show beyond their mean correlates above the threshold.

    Sensor noise lowers every correlation; it is corrected for by the share of the variance that
    is not noise (Spearman, "The Proof and Measurement of Association between Two Things", 1904).
    """
    mean = textures.mean(0)
    residuals = parallel_map(lambda image: _without_mean(image, mean), textures)
    reliability = np.sqrt(_reliability(residuals))
    return _correlated(residuals, threshold * np.outer(reliability, reliability), radius)


def _without_mean(image: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """A texture minus the mean, whose strength is fitted locally because lighting differs."""
    gain = blur(image * mean, GAIN) / (blur(mean * mean, GAIN) + MIN_CONTRAST)
    return standardise(image - gain * mean)


def _reliability(textures: np.ndarray) -> np.ndarray:
    """(n,) share of the variance that is not noise; noise is estimated from the calmest tenth."""
    power = parallel_map(lambda image: blur(image * image, WINDOW), textures)
    noise = np.quantile(power.reshape(len(power), -1), 0.1, axis=1)
    return np.clip(1 - noise, 0.5, 1)  # a part textured all over has no calm place: half at most


def _correlated(textures: np.ndarray, thresholds: np.ndarray, radius: int) -> np.ndarray:
    """(n, n) bool: correlated above `thresholds` (n, n) at some shift of up to `radius` pixels."""
    side = TEXTURE_SIDE - 2 * radius
    inner = unit_vectors(textures[:, radius:-radius, radius:-radius])
    correlated = np.zeros(thresholds.shape, bool)
    for dy, dx in shifts(radius):
        window = textures[:, dy : dy + side, dx : dx + side]
        correlated |= inner @ unit_vectors(window).T > thresholds
    np.fill_diagonal(correlated, False)
    return correlated | correlated.T
