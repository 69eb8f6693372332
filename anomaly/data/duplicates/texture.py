"""The fine structure of an image, and how two are laid onto each other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

FINE = 256  # pixels: the side on which images are registered
SIDE = 128  # pixels: the side on which textures are compared
LIGHT = 4.0  # sigma at SIDE: structure coarser than this is lighting
SMOOTH = 1.0  # sigma at SIDE: hides sensor noise and what resampling does to the finest pixels
FLAT = 1e-3  # a texture with less contrast than this says nothing


def texture(grey: np.ndarray, light: float = LIGHT) -> np.ndarray:
    """(SIDE, SIDE) float32 fine structure of a grey image: zero mean, unit variance, or all 0."""
    kept = blur(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), SMOOTH)
    return standard(kept - blur(kept, light))


def outline(grey: np.ndarray) -> np.ndarray:
    return standard(grey - blur(grey, LIGHT * FINE / SIDE))


def laid(image: np.ndarray, onto: np.ndarray) -> np.ndarray:
    dx, dy = whole_shift(image, onto)
    return np.roll(image, (-dy, -dx), (0, 1))


def whole_shift(image: np.ndarray, onto: np.ndarray) -> tuple[int, int]:
    """(dx, dy) in pixels at which `onto` lies best on the image: the peak of their correlation."""
    spectrum = np.fft.rfft2(image) * np.conj(np.fft.rfft2(onto))
    peak = np.unravel_index(np.argmax(np.fft.irfft2(spectrum)), image.shape)
    dy, dx = (
        int(at) - (side if at > side // 2 else 0)
        for at, side in zip(peak, image.shape, strict=True)
    )
    return dx, dy


def shifts(reach: int) -> list[tuple[int, int]]:
    """Half of all shifts: the other half compares the same pairs the other way round."""
    every = [(dy, dx) for dy in range(2 * reach + 1) for dx in range(2 * reach + 1)]
    return every[: len(every) // 2 + 1]


def vectors(windows: np.ndarray) -> np.ndarray:
    """Windows as unit vectors, whose products are correlations."""
    rows = standard(windows).reshape(len(windows), -1)
    return rows / np.sqrt(rows.shape[1])


def standard(images: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance over the last two axes; flat images become 0."""
    centred = images - images.mean((-2, -1), keepdims=True)
    spread = centred.std((-2, -1), keepdims=True)
    return np.where(spread > FLAT, centred / np.maximum(spread, FLAT), 0).astype(np.float32)


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def each(compute: Callable, items) -> np.ndarray:
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(compute, items)))
