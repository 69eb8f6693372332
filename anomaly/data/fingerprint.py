"""Tells which images show the same physical part, photographed twice.

Parts on a line look alike, so a perceptual hash fuses nearly all of them. Two shots of one part
agree in fine texture: grey minus its Gaussian blur (lighting), minus the category's mean (what all
parts share), correlated over small shifts. Where poses or sizes vary the mean removes no outline,
and parts that happen to lie alike agree by outline alone. So a pair must also agree in what is
its own: where other parts, turned and bent onto this one, do not show the same. A part with an
outline and nothing else has nothing of its own, and without evidence parts are independent.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np

FINE = 256  # pixels: the side on which images are registered
SIDE = 128  # pixels: the side on which textures are compared
COARSE = 32  # pixels: the side on which an angle is found
LIGHT = 4.0  # sigma at SIDE: structure coarser than this is lighting
DETAIL = 2.0  # the same where evidence is sought: an outline's halo must not cover the surface
GAIN = 8.0  # sigma at SIDE over which the strength of the mean is fitted to an image
SMOOTH = 1.0  # sigma at SIDE: hides sensor noise and what resampling does to the finest pixels
SHIFT = 3  # pixels at SIDE searched to every side of an image that cannot be registered
FAR = 64  # pixels at FINE: a larger registration is not a part that moved
FLAT = 1e-3  # a texture with less contrast than this says nothing
WINDOW = 3.0  # sigma at SIDE of the place over which two textures are compared
OTHERS = 12  # parts asked what they share with a part
TURN = 15  # degrees between the angles tried; bending does the rest
SHARED = 0.7  # correlation of a place with the same place of another part
EVIDENCE = 0.55  # correlation of own textures (measured in docs/decisions/0003-copies.md)
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
    outlines = _each(_outline, greys)
    mean = _common(outlines)
    moved = _each(lambda i: _register(greys[i], outlines[i], mean), range(len(greys)))
    raw, registered = _each(texture, greys), _each(texture, moved)
    alike = _agree(raw, threshold, SHIFT) | _agree(registered, threshold, 1)
    some = np.flatnonzero(alike.any(1))
    if len(some):
        alike[np.ix_(some, some)] &= _evident(_own(moved, some))
    return np.argwhere(np.triu(alike, 1))


def texture(grey: np.ndarray, light: float = LIGHT) -> np.ndarray:
    """(SIDE, SIDE) float32 fine structure of a grey image: zero mean, unit variance, or all 0."""
    kept = _blur(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), SMOOTH)
    return _standard(kept - _blur(kept, light))


def _outline(grey: np.ndarray) -> np.ndarray:
    return _standard(grey - _blur(grey, LIGHT * FINE / SIDE))


def _common(outlines: np.ndarray) -> np.ndarray:
    """The mean outline, of images shifted onto the most typical one: jittered, it is but a blur."""
    typical = outlines[np.argmax(np.tensordot(outlines, outlines.mean(0), 2))]

    return _each(lambda outline: _laid(outline, typical), outlines).mean(0)


def _laid(image: np.ndarray, onto: np.ndarray) -> np.ndarray:
    dx, dy = _whole_shift(image, onto)
    return np.roll(image, (-dy, -dx), (0, 1))


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


def _whole_shift(image: np.ndarray, onto: np.ndarray) -> tuple[int, int]:
    """(dx, dy) in pixels at which `onto` lies best on the image: the peak of their correlation."""
    spectrum = np.fft.rfft2(image) * np.conj(np.fft.rfft2(onto))
    peak = np.unravel_index(np.argmax(np.fft.irfft2(spectrum)), image.shape)
    dy, dx = (
        int(at) - (side if at > side // 2 else 0)
        for at, side in zip(peak, image.shape, strict=True)
    )
    return dx, dy


def _agree(textures: np.ndarray, threshold: float, reach: int) -> np.ndarray:
    """(n, n) bool: beyond the mean, the textures correlate above the threshold.

    Sensor noise lowers every correlation; it is corrected for by the share of the variance that
    is not noise (Spearman, "The Proof and Measurement of Association between Two Things", 1904).
    """
    mean = textures.mean(0)
    beyond = _each(lambda own: _beyond(own, mean), textures)
    sure = np.sqrt(_reliability(beyond))
    return _above(beyond, threshold * np.outer(sure, sure), reach)


def _beyond(own: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """What of a texture is not the mean's, which is lit by another lamp in every image."""
    gain = _blur(own * mean, GAIN) / (_blur(mean * mean, GAIN) + FLAT)
    return _standard(own - gain * mean)


def _reliability(textures: np.ndarray) -> np.ndarray:
    """(n,) share of the variance that is not noise, which is what the calmest tenth shows."""
    power = _each(lambda own: _blur(own * own, WINDOW), textures)
    calm = np.quantile(power.reshape(len(power), -1), 0.1, axis=1)
    return np.clip(1 - calm, 0.5, 1)  # where all is texture none is calm: half at most is noise


def _above(textures: np.ndarray, bars: np.ndarray, reach: int) -> np.ndarray:
    """(n, n) bool: correlated above `bars` (n, n) at some shift of up to `reach` pixels."""
    side = SIDE - 2 * reach
    core = _vectors(textures[:, reach:-reach, reach:-reach])
    alike = np.zeros(bars.shape, bool)
    for dy, dx in _shifts(reach):
        alike |= core @ _vectors(textures[:, dy : dy + side, dx : dx + side]).T > bars
    np.fill_diagonal(alike, False)
    return alike | alike.T


def _evident(own: np.ndarray) -> np.ndarray:
    """(m, m) bool: own textures correlate over the places that are own to both images."""
    side, alike = SIDE - 2 * SHIFT, np.zeros((len(own), len(own)), bool)
    one, one_power, one_place = _parts(own[:, SHIFT:-SHIFT, SHIFT:-SHIFT])
    for dy, dx in _shifts(SHIFT):
        two, two_power, two_place = _parts(own[:, dy : dy + side, dx : dx + side])
        power = (one_power @ two_place.T) * (one_place @ two_power.T)
        alike |= one @ two.T > EVIDENCE * np.sqrt(power)
    return alike | alike.T


def _parts(own: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = own.reshape(len(own), -1)
    return rows, rows**2, (rows != 0).astype(np.float32)


def _shifts(reach: int) -> list[tuple[int, int]]:
    """Half of all shifts: the other half compares the same pairs the other way round."""
    every = [(dy, dx) for dy in range(2 * reach + 1) for dx in range(2 * reach + 1)]
    return every[: len(every) // 2 + 1]


def _own(greys: np.ndarray, some: np.ndarray) -> np.ndarray:
    """(m, SIDE, SIDE) textures of some images, 0 wherever most others show the same."""
    centred = _each(_centred, greys)
    details = _each(lambda grey: texture(grey, DETAIL), centred)
    likeness, angles = _turned(centred, some)

    def own(row: int) -> np.ndarray:
        part = texture(greys[some[row]], DETAIL)
        shown = [
            _likeness(part, _bent(part, _turn(details[j], TURN * angles[row, j])))
            for j in _others(likeness[row])
        ]
        return np.where(np.median(shown, axis=0) < SHARED, part, 0)

    return _each(own, range(len(some)))


def _centred(grey: np.ndarray) -> np.ndarray:
    """The image rolled so that its outline's centre of mass is the middle, about which it turns."""
    power = _outline(grey) ** 2
    at = np.arange(FINE) - (FINE - 1) / 2
    y, x = (round(np.dot(power.sum(axis), at) / (power.sum() + FLAT)) for axis in (1, 0))
    return np.roll(grey, (-y, -x), (0, 1))


def _turned(greys: np.ndarray, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, n) likeness of some images to all, and the turn (in steps) at which it is largest."""
    small = _each(lambda g: cv2.resize(g, (COARSE, COARSE), interpolation=cv2.INTER_AREA), greys)
    parts = _vectors(small[some])
    turns = range(0, 360, TURN)
    found = [parts @ _vectors(_each(lambda g: _turn(g, a), small)).T for a in turns]  # noqa: B023
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
    other = _laid(other, part)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    one, two = (np.clip(32 * image + 128, 0, 255).astype(np.uint8) for image in (part, other))
    moves = flow.calc(one, two, np.zeros((SIDE, SIDE, 2), np.float32))
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    return cv2.remap(other, x + moves[..., 0], y + moves[..., 1], cv2.INTER_CUBIC)


def _likeness(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE) correlation of two textures around every pixel."""
    both, one, two = (_blur(product, WINDOW) for product in (a * b, a * a, b * b))
    return both / np.sqrt((one + FLAT**2) * (two + FLAT**2))


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


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
