"""Reads an image or mask file of any bit depth and colour model, or explains why it cannot."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
MAX_PIXELS = 200_000_000  # a larger image is a mistake or a decompression bomb
Image.MAX_IMAGE_PIXELS = None  # replaced by MAX_PIXELS, which is checked before decoding
DECODER_ERRORS = (OSError, ValueError, SyntaxError, MemoryError)  # what Pillow raises
PNG = b"\x89PNG\r\n\x1a\n"
NO_PIXELS = b"\0\0\0\0IDAT" + zlib.crc32(b"IDAT").to_bytes(4, "big")
RGB_OR_GREY = (b"\x08\x02", b"\x08\x00")  # bit depth and colour type in a PNG's header
ANIMATION = {b"acTL", b"fcTL", b"fdAT"}


class UnreadableImage(ValueError):
    """A file that cannot be used as an image; the message is the reason, without the file name."""


def read_image(source: Path | bytes) -> np.ndarray:
    """A file, or the bytes of one, as (height, width, 3) uint8 RGB, upright.

    16-bit grey is scaled from 0..65535 to 0..255, palette colours are looked up, and alpha is
    dropped.

    Raises:
        UnreadableImage: empty, truncated, not an image, too large, or of a float format.
    """
    data = read_bytes(source)
    pixels = _by_opencv(data)
    return _upright(data, _rgb) if pixels is None else pixels


def read_mask(source: Path | bytes) -> np.ndarray:
    """The mask as (height, width) bool, True where the file is not black.

    Raises:
        UnreadableImage: as for `read_image`.
    """
    return _upright(read_bytes(source), _defective_pixels)


def read_size(source: Path | bytes) -> tuple[int, int]:
    """(height, width) of an image as `read_image` returns it, which decodes it completely.

    Raises:
        UnreadableImage: as for `read_image`.
    """
    height, width = read_image(source).shape[:2]
    return height, width


def read_bytes(source: Path | bytes) -> bytes:
    """The bytes of a file; bytes are returned as they are.

    Raises:
        UnreadableImage: the file cannot be read.
    """
    try:
        return source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"cannot be read ({error.strerror})") from None


def digest(source: Path | bytes) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        UnreadableImage: the file cannot be read.
    """
    return hashlib.sha256(read_bytes(source)).hexdigest()


def check_unchanged(source: Path | bytes, content: str) -> None:
    """Check that a file still has the digest under which its content will be cached.

    Raises:
        UnreadableImage: the file has changed.
    """
    if digest(source) != content:
        raise UnreadableImage("changed while it was read; start again")


def _by_opencv(data: bytes) -> np.ndarray | None:
    """Pillow's pixels in less time, if this is a sound PNG of 8-bit RGB or grey; else None."""
    parts = _pixels_and_metadata(data) if data.startswith(PNG) else None
    if parts is None or not _is_upright(parts[1]):
        return None
    try:
        return cv2.imdecode(np.frombuffer(parts[0], np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:  # longer than OpenCV allows
        return None


def _pixels_and_metadata(data: bytes) -> tuple[bytes, bytes] | None:
    """A sound PNG as two: one of the pixels only, one of all else. None for other files."""
    chunks = list(_chunks(data))
    kinds = [kind for kind, _ in chunks]
    runs = [kind for kind, _ in groupby(kinds)]
    sound = kinds[:1] == [b"IHDR"] and kinds[-1:] == [b"IEND"] and runs.count(b"IDAT") == 1
    if not sound or kinds.count(b"IHDR") > 1 or ANIMATION & {*kinds}:
        return None
    (_, header), *between, (_, end) = chunks
    pixels = [chunk for kind, chunk in between if kind == b"IDAT"]
    metadata = [chunk for kind, chunk in between if kind != b"IDAT"]
    if header[16:18] not in RGB_OR_GREY or _may_hide_damage(pixels[-1]):
        return None
    return b"".join([PNG, header, *pixels, end]), b"".join([PNG, header, *metadata, NO_PIXELS])


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The kind and bytes of each chunk of a PNG up to IEND, or up to the first that is damaged."""
    remaining = memoryview(data)[len(PNG) :]
    kind = b""
    while kind != b"IEND":
        length = 12 + int.from_bytes(remaining[:4], "big")
        chunk, remaining = remaining[:length], remaining[length:]
        checksum = int.from_bytes(chunk[-4:], "big")
        if len(chunk) < length or zlib.crc32(chunk[4:-4]) != checksum:
            return
        kind = bytes(chunk[4:8])
        yield kind, chunk


def _may_hide_damage(last: memoryview) -> bool:
    # OpenCV's libpng reads 8192 bytes of a chunk at once and ignores the checksum at the end of
    # the pixels when these need no byte of the last piece.
    return len(last) % 8192 < 100


def _is_upright(png: bytes) -> bool:
    """Whether Pillow accepts a PNG's metadata and would not turn the image."""
    try:
        with _open(png) as image:
            exif = Image.Image.getexif(image)  # that of PngImageFile decodes the pixels first
            return exif.get(ExifTags.Base.Orientation, 1) == 1
    except DECODER_ERRORS:
        return False


def _upright(data: bytes, convert: Callable[[Image.Image], np.ndarray]) -> np.ndarray:
    with _open(data) as image:
        try:
            ImageOps.exif_transpose(image, in_place=True)
            return convert(image)
        except DECODER_ERRORS as error:
            raise UnreadableImage(_reason(error)) from None


def _open(data: bytes) -> Image.Image:
    if not data:
        raise UnreadableImage("empty file")
    try:
        image = Image.open(io.BytesIO(data))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise UnreadableImage("not an image") from None
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width} x {image.height}"
        image.close()
        raise UnreadableImage(f"{size} pixels, above the limit of {MAX_PIXELS // 10**6} million")
    return image


def _rgb(image: Image.Image) -> np.ndarray:
    image = _opaque(_eight_bit(image))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


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
