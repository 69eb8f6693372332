"""Loads images at a given size; each file is decoded once per size and cached."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from anomaly.cache.code import digest
from anomaly.cache.store import Cache, key_of
from anomaly.data.read import (
    UnreadableImage,
    check_unchanged,
    read_bytes,
    read_image,
)
from anomaly.data.read import digest as file_digest
from anomaly.errors import InputError
from anomaly.types import Image

MAKERS = ("data/read.py", "data/images.py")  # the code that makes a resized image


def photo(source: Path | str | bytes | np.ndarray, id: str | None = None) -> Image:
    """A photo that belongs to no data set, to be inspected.

    Args:
        source: a file, the bytes of one (the same photo), or (h, w, 3) uint8 RGB pixels.
        id: its name in predictions; by default the path, or the first digits of its digest.

    Raises:
        InputError: a file that cannot be read, or pixels of another shape or type.
    """
    if isinstance(source, bytes | np.ndarray):
        content = file_digest(source) if isinstance(source, bytes) else _digest_of_pixels(source)
        return Image(id or content[:12], source, content)
    try:
        return Image(id or Path(source).as_posix(), Path(source), file_digest(Path(source)))
    except UnreadableImage as error:
        raise InputError(f"{source}: {error}") from None


def load_images(images: Sequence[Image], size: int, cache: Cache) -> np.ndarray:
    """(n, size, size, 3) uint8 RGB; the aspect ratio is not kept."""
    with ThreadPoolExecutor() as pool:
        loaded = list(pool.map(lambda image: load_image(image, size, cache), images))
    return np.stack(loaded) if loaded else np.zeros((0, size, size, 3), np.uint8)


def load_image(image: Image, size: int, cache: Cache) -> np.ndarray:
    """One image at (size, size, 3), uint8 RGB.

    Raises:
        InputError: the photo cannot be decoded, or has changed since its digest was taken.
    """
    return cache.get(
        key_of("image", digest(*MAKERS), image.content, size), lambda: _resized(image, size)
    )


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """(h, w, ...) to (size, size, ...): averaged along sides that shrink, bilinear along others."""
    # In two steps, since OpenCV's INTER_AREA averages only where both sides shrink.
    height, width = (min(side, size) for side in image.shape[:2])
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
    return resize(pixels_of(image), size)


def pixels_of(image: Image) -> np.ndarray:
    """(h, w, 3) uint8 RGB, upright.

    Raises:
        InputError: the photo cannot be decoded, or has changed since its digest was taken.
    """
    if isinstance(image.source, np.ndarray):
        return image.source
    try:
        data = read_bytes(image.source)  # once, so that what is decoded is what was checked
        check_unchanged(data, image.content)
        return read_image(data)
    except UnreadableImage as error:
        name = image.id if isinstance(image.source, bytes) else image.source
        raise InputError(f"{name}: {error}") from None
