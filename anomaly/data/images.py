"""Decoded, resized images of samples; each is decoded once per size and cached."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from anomaly.code import digest
from anomaly.data.cache import Cache, key_of
from anomaly.data.instances import numbered
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
    return cache.get(
        key_of("image", digest("data"), content, size), lambda: _resized(path, content, size)
    )


def load_masks(split: Split) -> np.ndarray:
    """(n, grid, grid) bool on the evaluation grid; good parts have none set."""
    masks = [mask_on_grid(s.mask, split.grid, split.min_instance_area) for s in split]
    return np.stack(masks) if masks else np.zeros((0, split.grid, split.grid), bool)


def load_truth(split: Split, classes: tuple[str, ...]) -> Truth:
    """What is really there in a split, on its evaluation grid."""
    return Truth(split.ids, classes, split.labels, load_masks(split))


def mask_on_grid(path: Path | None, size: int, least: int) -> np.ndarray:
    """(size, size) bool: the cells at least half defective, or the most defective where none is.

    Components of fewer than `least` pixels of the file are noise.
    """
    if path is None:
        return np.zeros((size, size), bool)
    return _cells(numbered(read_mask(path), least) > 0, size)


def numbered_instances(path: Path | None, size: int, least: int) -> np.ndarray:
    """(size, size) uint8: k + 1 on the cells of instance k, the largest first; 0 elsewhere.

    Each instance has its own cells by the rule of `mask_on_grid`, so none vanishes. No more than
    255 are told apart.
    """
    out = np.zeros((size, size), np.uint8)
    if path is None:
        return out
    every = numbered(read_mask(path), least)
    for number in range(min(int(every.max()), 255), 0, -1):  # the largest has the last word
        out[_cells(every == number, size)] = number
    return out


def _cells(mask: np.ndarray, size: int) -> np.ndarray:
    share = resize(mask.astype(np.float32), size)
    return share >= min(0.5, share.max())


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
