"""The fine texture of an image, and how two images are aligned."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

IMAGE_SIDE = 256  # pixels: the size at which images are registered
TEXTURE_SIDE = 128  # pixels: the size at which textures are compared
LIGHTING = 4.0  # sigma at TEXTURE_SIDE: coarser structure counts as lighting
SMOOTHING = 1.0  # sigma at TEXTURE_SIDE: removes sensor noise and resampling artefacts
MIN_CONTRAST = 1e-3  # standard deviation below which an image counts as flat


def texture(grey: np.ndarray, lighting: float = LIGHTING) -> np.ndarray:
    """(TEXTURE_SIDE, TEXTURE_SIDE) float32 fine structure of a grey image.

    It has zero mean and unit variance, or is 0 everywhere. Structure coarser than `lighting`
    (sigma, pixels) is removed.
    """
    size = (TEXTURE_SIDE, TEXTURE_SIDE)
    smooth = blur(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), SMOOTHING)
    return standardise(smooth - blur(smooth, lighting))


def outline(grey: np.ndarray) -> np.ndarray:
    """The image at IMAGE_SIDE without its lighting, standardised: mostly outlines are left."""
    return standardise(grey - blur(grey, LIGHTING * IMAGE_SIDE / TEXTURE_SIDE))


def aligned(image: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The image, cyclically shifted by whole pixels to fit the target best."""
    dx, dy = best_shift(image, target)
    return np.roll(image, (-dy, -dx), (0, 1))


def best_shift(image: np.ndarray, target: np.ndarray) -> tuple[int, int]:
    """(dx, dy) in pixels by which the image is shifted: the peak of their correlation."""
    spectrum = np.fft.rfft2(image) * np.conj(np.fft.rfft2(target))
    peak = np.unravel_index(np.argmax(np.fft.irfft2(spectrum)), image.shape)
    dy, dx = (
        int(at) - (side if at > side // 2 else 0)
        for at, side in zip(peak, image.shape, strict=True)
    )
    return dx, dy


def shifts(radius: int) -> list[tuple[int, int]]:
    """Half of all (dy, dx), from 0 to 2 * radius: the other half would compare the same pairs."""
    both = [(dy, dx) for dy in range(2 * radius + 1) for dx in range(2 * radius + 1)]
    return both[: len(both) // 2 + 1]


def unit_vectors(images: np.ndarray) -> np.ndarray:
    """(n, h, w) images as (n, h * w) unit vectors, whose dot products are correlations."""
    rows = standardise(images).reshape(len(images), -1)
    return rows / np.sqrt(rows.shape[1])


def standardise(images: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance over the last two axes; flat images become 0."""
    centred = images - images.mean((-2, -1), keepdims=True)
    deviation = centred.std((-2, -1), keepdims=True)
    scaled = centred / np.maximum(deviation, MIN_CONTRAST)
    return np.where(deviation > MIN_CONTRAST, scaled, 0).astype(np.float32)


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def parallel_map(compute: Callable, items) -> np.ndarray:
    """The stacked results of `compute` for each item, computed in threads."""
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(compute, items)))
