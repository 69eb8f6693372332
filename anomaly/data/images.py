"""Decoded, resized images of samples; each is decoded once per size and cached."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from anomaly.cache.code import digest
from anomaly.cache.store import Cache, key_of
from anomaly.data.read import UnreadableImage, check_unchanged, read_image, read_mask
from anomaly.data.read import digest as file_digest
from anomaly.errors import InputError
from anomaly.masks.components import numbered
from anomaly.types import Image, Split, Truth

MAKERS = ("data/read.py", "data/images.py")  # the code that makes a resized image
MOST = 255  # instances of an image that are told apart


def photo(source: Path | str | np.ndarray, id: str | None = None) -> Image:
    """A photo that belongs to no data set, to be judged.

    Args:
        source: a file, or (h, w, 3) uint8 RGB pixels.
        id: what predictions call it; by default the path, or the first digits of its digest.

    Raises:
        InputError: a file that cannot be read, or pixels of another shape or type.
    """
    if isinstance(source, np.ndarray):
        content = _digest_of_pixels(source)
        return Image(id or content[:12], source, content)
    try:
        return Image(id or Path(source).as_posix(), Path(source), file_digest(Path(source)))
    except UnreadableImage as error:
        raise InputError(f"{source}: {error}") from None


def load_images(images: Sequence[Image], size: int, cache: Cache) -> np.ndarray:
    """(n, size, size, 3) uint8 RGB; the aspect ratio gives way to the square."""
    with ThreadPoolExecutor() as pool:
        loaded = list(pool.map(lambda image: load_image(image, size, cache), images))
    return np.stack(loaded) if loaded else np.zeros((0, size, size, 3), np.uint8)


def load_image(image: Image, size: int, cache: Cache) -> np.ndarray:
    """One image at (size, size, 3), uint8 RGB.

    Raises:
        InputError: the file cannot be decoded, or is no longer the one of the digest.
    """
    return cache.get(
        key_of("image", digest(*MAKERS), image.content, size), lambda: _resized(image, size)
    )


def load_truth(split: Split, classes: tuple[str, ...]) -> Truth:
    """What is really there in a split, on its evaluation grid."""
    return Truth(split.ids, classes, split.labels, load_instances(split))


def load_instances(split: Split) -> np.ndarray:
    """(n, grid, grid) uint8 on the evaluation grid, as `instances_on_grid` numbers them."""
    every = [
        instances_on_grid(s.annotation.mask, split.grid, split.min_instance_area) for s in split
    ]
    return np.stack(every) if every else np.zeros((0, split.grid, split.grid), np.uint8)


def instances_on_grid(path: Path | None, size: int, least: int) -> np.ndarray:
    """(size, size) uint8: k on the cells of instance k, 1 the largest; 0 elsewhere.

    Instances are the 8-connected components of the file's mask; those of fewer than `least` pixels
    are noise. An instance has the cells that are at least half as defective as its most defective
    one, so a scratch thinner than a cell is still there, and still one. The smaller lie on top of
    the larger, which are not seen where they have no other cell. Beyond 254 the smallest count as
    one.
    """
    out = np.zeros((size, size), np.uint8)
    if path is None:
        return out
    every = np.minimum(numbered(read_mask(path), least), MOST)
    for number in range(1, int(every.max()) + 1):
        share = resize((every == number).astype(np.float32), size)
        out[share >= share.max() / 2] = number
    return out


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """(h, w, ...) to (size, size, ...): averaged along sides that shrink, bilinear along others."""
    height, width = (min(side, size) for side in image.shape[:2])  # OpenCV averages both or none
    shrunk = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (size, size), interpolation=cv2.INTER_LINEAR)


def _digest_of_pixels(pixels: np.ndarray) -> str:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise InputError(
            f"an image in memory must be (height, width, 3) uint8 RGB, got {pixels.shape}"
            f" {pixels.dtype}"
        )
    shape = str(pixels.shape).encode()
    return hashlib.sha256(shape + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def _resized(image: Image, size: int) -> np.ndarray:
    if isinstance(image.source, np.ndarray):
        return resize(image.source, size)
    try:
        resized = resize(read_image(image.source), size)
        # After decoding: a change before it shows as well.
        check_unchanged(image.source, image.content)
        return resized
    except UnreadableImage as error:
        raise InputError(f"{image.source}: {error}") from None
