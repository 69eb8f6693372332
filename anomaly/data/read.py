"""Reads an image or mask file of any bit depth and colour model, or explains why it cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
MAX_PIXELS = 200_000_000  # a larger image is a mistake or a decompression bomb
Image.MAX_IMAGE_PIXELS = None  # replaced by MAX_PIXELS, which is checked before decoding


class UnreadableImage(ValueError):
    """A file that cannot be used as an image; the message is the reason, without the file name."""


def read_image(path: Path) -> np.ndarray:
    """The image as (height, width, 3) uint8 RGB, upright.

    16-bit grey is scaled from 0..65535 to 0..255, palette colours are looked up, and alpha is
    dropped.

    Raises:
        UnreadableImage: empty, truncated, not an image, too large, or of a float format.
    """
    return _upright(path, lambda image: np.asarray(_opaque(_eight_bit(image)).convert("RGB")))


def read_mask(path: Path) -> np.ndarray:
    """The mask as (height, width) bool, True where the file is not black.

    Raises:
        UnreadableImage: as for `read_image`.
    """
    return _upright(path, _defective_pixels)


def read_size(path: Path) -> tuple[int, int]:
    """(height, width) of an image as `read_image` returns it, which decodes it completely.

    Raises:
        UnreadableImage: as for `read_image`.
    """
    height, width = read_image(path).shape[:2]
    return height, width


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        UnreadableImage: the file cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UnreadableImage(f"cannot be read ({error.strerror})") from None


def check_unchanged(path: Path, content: str) -> None:
    """Check that a decoded file still has the digest under which its content will be cached.

    Raises:
        UnreadableImage: the file has changed.
    """
    if digest(path) != content:
        raise UnreadableImage("changed while it was read; start again")


def _upright(path: Path, convert: Callable[[Image.Image], np.ndarray]) -> np.ndarray:
    with _open(path) as image:
        try:
            return convert(ImageOps.exif_transpose(image))
        except (OSError, ValueError, SyntaxError, MemoryError) as error:
            raise UnreadableImage(_reason(error)) from None


def _open(path: Path) -> Image.Image:
    try:
        empty = path.stat().st_size == 0
    except OSError as error:
        raise UnreadableImage(f"cannot be read ({error.strerror})") from None
    if empty:
        raise UnreadableImage("empty file")
    try:
        image = Image.open(path)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise UnreadableImage("not an image") from None
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width} x {image.height}"
        image.close()
        raise UnreadableImage(f"{size} pixels, above the limit of {MAX_PIXELS // 10**6} million")
    return image


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        grey = np.asarray(image)
        if grey.min() < 0 or grey.max() > 65535:
            raise UnreadableImage("32-bit intensities; save it with 8 or 16 bits")
        return Image.fromarray((grey.astype(np.uint32) * 255 // 65535).astype(np.uint8))
    if image.mode == "F":
        raise UnreadableImage("floating-point intensities; save it with 8 or 16 bits")
    return image


def _opaque(image: Image.Image) -> Image.Image:
    # Pillow warns when it drops the transparency of a palette, except by way of RGBA.
    return image.convert("RGBA") if "transparency" in image.info else image


def _defective_pixels(image: Image.Image) -> np.ndarray:
    # A palette mask stores class indices, so the index counts and not its colour. Any value above
    # 0 in any channel counts, so nothing is scaled. Alpha does not mark defects.
    if image.mode in ("LA", "PA", "RGBA"):
        image = image.convert("RGB")
    pixels = np.asarray(image)
    return np.any(np.atleast_3d(pixels) > 0, axis=-1)


def _reason(error: Exception) -> str:
    if isinstance(error, UnreadableImage):
        return str(error)
    return "truncated" if "truncated" in str(error).lower() else f"damaged ({error})"
