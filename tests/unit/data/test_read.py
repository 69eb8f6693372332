"""Image files of all kinds that cameras and annotation tools write, and files that are no images."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from anomaly.data.read import UnreadableImage, read_image, read_mask, read_size

HEIGHT, WIDTH = 24, 36
RGB = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
GREY = RGB[..., 0]
TURNED = 6  # EXIF: displayed rotated by a quarter turn to the right
READERS = pytest.mark.parametrize("read", [read_image, read_mask, read_size])


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def as_rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


def palette() -> tuple[Image.Image, np.ndarray]:
    image = Image.fromarray(RGB).quantize(16)
    return image, np.asarray(image.convert("RGB"))


def files(folder: Path) -> dict[str, np.ndarray]:
    """{file name: the pixels that reading it must give}."""
    indexed, looked_up = palette()
    indexed.save(folder / "palette.png")
    indexed.save(folder / "see_through_colour.png", transparency=0)
    indexed.save(folder / "see_through_table.png", transparency=bytes(range(16)))
    Image.fromarray(GREY).save(folder / "grey.png")
    Image.fromarray(GREY.astype(np.uint16) * 257).save(folder / "grey16.png")
    Image.fromarray(GREY > 127).save(folder / "one_bit.png")
    Image.fromarray(RGB).save(folder / "rgb.png")
    Image.fromarray(np.dstack([RGB, GREY])).save(folder / "rgba.png")
    Image.fromarray(RGB).save(folder / "rgb.bmp")
    Image.fromarray(RGB).save(folder / "rgb.TIF", format="TIFF")
    Image.fromarray(GREY).save(folder / "grey.tif")
    bgr = np.ascontiguousarray(RGB[..., ::-1])
    cv2.imwrite(str(folder / "rgb16.tif"), bgr.astype(np.uint16) * 257)
    cv2.imwrite(str(folder / "rgb16.png"), bgr.astype(np.uint16) * 257)
    cv2.imwrite(str(folder / "grey16.tif"), GREY.astype(np.uint16) * 257)
    for name in ("turned.png", "turned.tif"):
        Image.fromarray(np.rot90(RGB)).save(folder / name, exif=exif(TURNED))
    return {
        **dict.fromkeys(["palette.png", "see_through_colour.png"], looked_up),
        "see_through_table.png": looked_up,
        **dict.fromkeys(["grey.png", "grey16.png", "grey.tif", "grey16.tif"], as_rgb(GREY)),
        "one_bit.png": as_rgb((GREY > 127) * np.uint8(255)),
        **dict.fromkeys(["rgb.png", "rgba.png", "rgb.bmp", "rgb.TIF"], RGB),
        **dict.fromkeys(["rgb16.tif", "rgb16.png", "turned.png", "turned.tif"], RGB),
    }


def test_every_depth_and_colour_model_reads_as_upright_eight_bit_rgb(tmp_path):
    wrong = []
    for name, expected in files(tmp_path).items():
        image = read_image(tmp_path / name)
        assert image.dtype == np.uint8
        if not np.array_equal(image, expected):
            wrong.append(name)
    assert not wrong


def test_the_size_is_that_of_the_decoded_image(tmp_path):
    names = files(tmp_path)
    sizes = {name: read_size(tmp_path / name) for name in names}
    assert sizes == {name: read_image(tmp_path / name).shape[:2] for name in names}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_in_any_orientation_is_read_upright(orientation, tmp_path):
    scene = cv2.resize(np.float32([[0, 80], [160, 240]]), (WIDTH, HEIGHT)).astype(np.uint8)
    back = {1: 0, 2: 4, 3: 2, 4: 6, 5: 5, 6: 1, 7: 7, 8: 3}[orientation]
    held = np.rot90(scene[:, ::-1] if back >= 4 else scene, back % 4)
    Image.fromarray(held).save(tmp_path / "p.jpg", exif=exif(orientation), quality=100)
    image = read_image(tmp_path / "p.jpg")
    assert read_size(tmp_path / "p.jpg") == image.shape[:2] == (HEIGHT, WIDTH)
    assert np.abs(image[..., 0].astype(int) - scene).max() <= 4  # JPEG is not exact


def test_sixteen_bits_keep_their_order_and_their_ends(tmp_path):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    grey = read_image(tmp_path / "ramp.png")[..., 0].ravel()
    assert (grey[0], grey[-1]) == (0, 255)
    assert (np.diff(grey.astype(int)) >= 0).all()


@pytest.mark.parametrize("high", [1, 255, 65535])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_mask_is_set_wherever_its_file_is_not_black(kind, high, tmp_path):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[3:9, 5:7] = True
    Image.fromarray(mask * kind(min(high, np.iinfo(kind).max))).save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png"), mask)


def test_a_coloured_mask_is_set_wherever_any_colour_is(tmp_path):
    mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    mask[3:9, 5:7, 2] = 3  # a dark blue
    Image.fromarray(mask).save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png"), mask.any(2))


def test_a_palette_mask_counts_indices_not_colours(tmp_path):
    indices = np.zeros((HEIGHT, WIDTH), np.uint8)
    indices[2, 3] = 1
    image = Image.fromarray(indices)
    image.putpalette([255, 255, 255, 0, 0, 0])  # index 0 is drawn white, index 1 black
    image.save(tmp_path / "m.png")
    assert np.argwhere(read_mask(tmp_path / "m.png")).tolist() == [[2, 3]]


def test_floating_point_intensities_are_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "f.tif"), GREY.astype(np.float32))
    with pytest.raises(UnreadableImage, match="floating-point intensities"):
        read_image(tmp_path / "f.tif")


@READERS
def test_an_empty_file_is_refused(read, tmp_path):
    (tmp_path / "e.png").touch()
    with pytest.raises(UnreadableImage, match="empty file"):
        read(tmp_path / "e.png")


@READERS
def test_a_text_file_is_no_image(read, tmp_path):
    (tmp_path / "t.png").write_text("no pixels here")
    with pytest.raises(UnreadableImage, match="not an image"):
        read(tmp_path / "t.png")


@pytest.mark.parametrize("suffix", ["PNG", "JPEG"])
def test_a_file_cut_in_half_is_refused(suffix, tmp_path):
    whole = encoded(suffix)
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableImage, match=r"truncated|damaged"):
        read_image(tmp_path / "half")


@READERS
@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "BMP"])
def test_a_file_cut_anywhere_is_read_or_refused_but_never_crashes(suffix, read, tmp_path):
    whole = encoded(suffix)
    for end in range(1, len(whole), max(1, len(whole) // 60)):
        (tmp_path / "cut").write_bytes(whole[:end])
        read_or_refuse(read, tmp_path / "cut")


@READERS
@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "BMP"])
def test_a_file_with_a_wrong_byte_is_read_or_refused_but_never_crashes(suffix, read, tmp_path):
    whole, random = encoded(suffix), np.random.default_rng(1)
    for _ in range(60):
        bytes_ = bytearray(whole)
        bytes_[random.integers(min(300, len(whole)))] = random.integers(256)
        (tmp_path / "flipped").write_bytes(bytes_)
        read_or_refuse(read, tmp_path / "flipped")


@READERS
def test_garbage_in_the_exif_block_is_ignored_or_refused(read, tmp_path):
    Image.fromarray(RGB).save(tmp_path / "e.png", exif=b"garbage, not tags")
    read_or_refuse(read, tmp_path / "e.png")


@READERS
def test_a_picture_too_large_for_memory_is_refused_by_its_header(read, tmp_path):
    (tmp_path / "bomb.png").write_bytes(png_header(30_000, 30_000))
    with pytest.raises(UnreadableImage, match="30000 x 30000 pixels, above the limit of 200 mill"):
        read(tmp_path / "bomb.png")


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, kind)
    return buffer.getvalue()


def read_or_refuse(read, path: Path) -> None:
    with contextlib.suppress(UnreadableImage):
        read(path)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
