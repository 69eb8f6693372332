"""The texture that distinguishes a part: evidence that two photographs show the same one.

Other parts, rotated and warped onto a part, show what it has in common with them; the rest of its
texture is distinctive.
"""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from anomaly.data.duplicates.texture import (
    IMAGE_SIDE,
    MIN_CONTRAST,
    TEXTURE_SIDE,
    aligned,
    blur,
    outline,
    parallel_map,
    shifts,
    texture,
    unit_vectors,
)

ROTATION_SIDE = 32  # pixels: the size at which the best rotation is searched
ROTATION_STEP = 15  # degrees between the rotations tried; warping does the rest
DETAIL = 2.0  # sigma instead of LIGHTING: the halo of an outline must not hide the surface
SEARCH_RADIUS = 3  # pixels at TEXTURE_SIDE by which images that cannot be registered may be shifted
WINDOW = 3.0  # sigma at TEXTURE_SIDE of the neighbourhood in which two textures are compared
COMPARED_PARTS = 12  # other parts that each part is compared with
SHARED = 0.7  # local correlation above which another part looks the same there
MATCH = 0.55  # correlation of distinctive textures (measured in docs/decisions/0003-copies.md)


def distinctive_textures(greys: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """(m, TEXTURE_SIDE, TEXTURE_SIDE) textures, 0 where most other parts look the same.

    Args:
        greys: (n, IMAGE_SIDE, IMAGE_SIDE) float32.
        candidates: (m,) indices into `greys`.
    """
    centred = parallel_map(_centred, greys)
    details = parallel_map(lambda grey: texture(grey, DETAIL), centred)
    similarity, steps = _best_rotations(centred, candidates)

    def distinctive(row: int) -> np.ndarray:
        part = texture(greys[candidates[row]], DETAIL)
        correlations = [
            _local_correlation(
                part, _warped(_rotated(details[other], ROTATION_STEP * steps[row, other]), part)
            )
            for other in _parts_to_compare(similarity[row])
        ]
        return np.where(np.median(correlations, axis=0) < SHARED, part, 0)

    return parallel_map(distinctive, range(len(candidates)))


def matching(textures: np.ndarray) -> np.ndarray:
    """(m, m) bool: the textures correlate over the places that are distinctive on both parts."""
    side, matches = TEXTURE_SIDE - 2 * SEARCH_RADIUS, np.zeros((len(textures), len(textures)), bool)
    inner = slice(SEARCH_RADIUS, -SEARCH_RADIUS)
    one, one_power, one_present = _rows(textures[:, inner, inner])
    for dy, dx in shifts(SEARCH_RADIUS):
        two, two_power, two_present = _rows(textures[:, dy : dy + side, dx : dx + side])
        power = (one_power @ two_present.T) * (one_present @ two_power.T)
        matches |= one @ two.T > MATCH * np.sqrt(power)
    return matches | matches.T


def _rows(textures: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(m, pixels) values, their squares, and where they are distinctive."""
    values = textures.reshape(len(textures), -1)
    return values, values**2, (values != 0).astype(np.float32)


def _centred(grey: np.ndarray) -> np.ndarray:
    """The image, cyclically shifted so that its outline's centre of mass is the middle."""
    power = outline(grey) ** 2
    offsets = np.arange(IMAGE_SIDE) - (IMAGE_SIDE - 1) / 2
    total = power.sum() + MIN_CONTRAST
    y, x = (round(np.dot(power.sum(axis), offsets) / total) for axis in (1, 0))
    return np.roll(grey, (-y, -x), (0, 1))


def _best_rotations(greys: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, n) highest correlation of candidates with images, and its rotation in steps."""
    size = (ROTATION_SIDE, ROTATION_SIDE)
    small = parallel_map(lambda g: cv2.resize(g, size, interpolation=cv2.INTER_AREA), greys)
    parts = unit_vectors(small[candidates])
    correlations = [
        parts @ unit_vectors(parallel_map(partial(_rotated, degrees=degrees), small)).T
        for degrees in range(0, 360, ROTATION_STEP)
    ]
    similarity = np.max(correlations, axis=0)
    similarity[np.arange(len(candidates)), candidates] = -np.inf  # the part itself
    return similarity, np.argmax(correlations, axis=0)


def _parts_to_compare(similarity: np.ndarray) -> np.ndarray:
    """COMPARED_PARTS indices spread over the more similar half, so that copies are outnumbered."""
    order = np.argsort(-similarity, kind="stable")[:-1]
    half = order[: max(len(order) // 2, COMPARED_PARTS)]
    return half[np.linspace(0, len(half) - 1, min(COMPARED_PARTS, len(half))).astype(int)]


def _rotated(image: np.ndarray, degrees: float) -> np.ndarray:
    side = len(image)
    rotation = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), float(degrees), 1)
    return cv2.warpAffine(image, rotation, (side, side), borderMode=cv2.BORDER_REPLICATE)


def _warped(other: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Another texture, aligned and warped onto a part's (DIS flow; Kroeger et al., ECCV 2016)."""
    other = aligned(other, part)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    one, two = (np.clip(32 * image + 128, 0, 255).astype(np.uint8) for image in (part, other))
    moves = flow.calc(one, two, np.zeros((TEXTURE_SIDE, TEXTURE_SIDE, 2), np.float32))
    y, x = np.mgrid[:TEXTURE_SIDE, :TEXTURE_SIDE].astype(np.float32)
    return cv2.remap(other, x + moves[..., 0], y + moves[..., 1], cv2.INTER_CUBIC)


def _local_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(TEXTURE_SIDE, TEXTURE_SIDE) correlation of two textures around every pixel."""
    both, one, two = (blur(product, WINDOW) for product in (a * b, a * a, b * b))
    return both / np.sqrt((one + MIN_CONTRAST**2) * (two + MIN_CONTRAST**2))
