"""Decoded, resized images of samples; each is decoded once per size and cached."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from anomaly.data.cache import Cache, key_of
from anomaly.data.instances import separate
from anomaly.data.read import UnreadableImage, check_unchanged, read_image, read_mask
from anomaly.types import InputError, Sample, Split, Truth


def load_images(samples: Sequence[Sample], size: int, cache: Cache) -> np.ndarray:
    """(n, size, size, 3) uint8 RGB; the aspect ratio gives way to the square."""
    with ThreadPoolExecutor() as pool:
        images = list(pool.map(lambda s: load_image(s.image, s.content, size, cache), samples))
    return np.stack(images) if images else np.zeros((0, size, size, 3), np.uint8)


def load_image(path: Path, content: str, size: int, cache: Cache) -> np.ndarray:
    """One image at (size, size, 3), by the digest of its file.

    Raises:
        InputError: the file cannot be decoded, or is no longer the one of the digest.
    """
    return cache.get(key_of("image", content, size), lambda: _resized(path, content, size))


def load_masks(split: Split) -> np.ndarray:
    """(n, grid, grid) bool on the evaluation grid; good parts have none set."""
    least = split.min_instance_area
    masks = [numbered_instances(s.mask, split.grid, least) > 0 for s in split]
    return np.stack(masks) if masks else np.zeros((0, split.grid, split.grid), bool)


def load_truth(split: Split, classes: tuple[str, ...]) -> Truth:
    """What is really there in a split, on its evaluation grid."""
    return Truth(split.ids, classes, split.labels, load_masks(split))


def numbered_instances(path: Path | None, size: int, least: int) -> np.ndarray:
    """(size, size) uint8: k + 1 where instance k is, the largest first; 0 where there is none.

    Components of fewer than `least` pixels of the file are noise. A cell is defective where half
    of it is, and of a defect that half fills no cell, where it fills most. At most 255 are told
    apart.
    """
    out = np.zeros((size, size), np.uint8)
    components = separate(read_mask(path), least)[:255] if path else []
    for number, component in reversed(list(enumerate(components, 1))):
        share = resize(component.astype(np.float32), size)
        out[share >= min(0.5, share.max())] = number
    return out


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """(h, w, ...) to (size, size, ...): averaged when shrinking, bilinear when growing."""
    shrinks = max(image.shape[:2]) > size
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=way)


def _resized(path: Path, content: str, size: int) -> np.ndarray:
    try:
        image = resize(read_image(path), size)
        check_unchanged(path, content)  # after decoding: whatever came before shows as well
        return image
    except UnreadableImage as error:
        raise InputError(f"{path}: {error}") from None
