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
from PIL import Image, ImageOps

from anomaly.data.read import UnreadableImage, _by_opencv, read_image, read_mask, read_size

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
    for name in ("turned_grey.png", "turned_grey.tif"):
        Image.fromarray(np.rot90(GREY)).save(folder / name, exif=exif(TURNED))
    return {
        **dict.fromkeys(["palette.png", "see_through_colour.png"], looked_up),
        "see_through_table.png": looked_up,
        **dict.fromkeys(["grey.png", "grey16.png", "grey.tif", "grey16.tif"], as_rgb(GREY)),
        "one_bit.png": as_rgb((GREY > 127) * np.uint8(255)),
        **dict.fromkeys(["rgb.png", "rgba.png", "rgb.bmp", "rgb.TIF"], RGB),
        **dict.fromkeys(["rgb16.tif", "rgb16.png", "turned.png", "turned.tif"], RGB),
        **dict.fromkeys(["turned_grey.png", "turned_grey.tif"], as_rgb(GREY)),
    }


def test_every_depth_and_colour_model_reads_as_upright_eight_bit_rgb(tmp_path):
    wrong = []
    for name, expected in files(tmp_path).items():
        image = read_image(tmp_path / name)
        assert image.dtype == np.uint8
        if not np.array_equal(image, expected):
            wrong.append(name)
    assert not wrong


def test_the_bytes_of_a_file_read_as_the_file_does(tmp_path):
    for name in files(tmp_path):
        path, data = tmp_path / name, (tmp_path / name).read_bytes()
        assert np.array_equal(read_image(data), read_image(path))
        assert np.array_equal(read_mask(data), read_mask(path))
        assert read_size(data) == read_size(path)


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


def encoded(kind: str, pixels: np.ndarray = RGB) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def read_or_refuse(read, path: Path) -> None:
    with contextlib.suppress(UnreadableImage):
        read(path)


def png_header(width: int, height: int) -> bytes:
    return png((8, 2), b"", (height, width))


# PNGs that OpenCV decodes. Pillow is the reference for what is refused and for every pixel.


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def png(
    kind: tuple[int, int],
    stream: bytes,
    shape: tuple[int, ...],
    *,
    piece: int = 8192,
    interlaced: bool = False,
    before: bytes = b"",
    between: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """A PNG of (bit depth, colour type) `kind`, with chunks before, between and after the pixels."""
    height, width = shape[:2]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *kind, 0, 0, interlaced))
    starts = range(0, max(len(stream), 1), piece)
    pixels = between.join(chunk(b"IDAT", stream[start : start + piece]) for start in starts)
    return b"\x89PNG\r\n\x1a\n" + header + before + pixels + after + chunk(b"IEND", b"")


def by_pillow(data: bytes) -> np.ndarray | None:
    """The pixels, or None where Pillow refuses."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGBA").convert("RGB"))
    except (OSError, ValueError, SyntaxError):
        return None


def reads_as_pillow_does(data: bytes) -> bool:
    expected = by_pillow(data)
    try:
        return np.array_equal(read_image(data), expected)
    except UnreadableImage:
        return expected is None


def stream(pixels: np.ndarray, filters: int = 0, level: int = 6) -> bytes:
    """The compressed rows of a PNG; filter `filters` is claimed for rows of random differences."""
    rows = pixels.reshape(len(pixels), -1)
    return zlib.compress(np.insert(rows, 0, filters, axis=1).tobytes(), level)


def adam7(pixels: np.ndarray) -> bytes:
    """As `stream`, in the seven passes of an interlaced PNG (PNG specification, section 8.2)."""
    passes = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2))
    parts = [pixels[y::dy, x::dx] for y, dy, x, dx in (*passes, (1, 2, 0, 1))]
    rows = [np.insert(part.reshape(len(part), -1), 0, 0, axis=1) for part in parts if part.size]
    return zlib.compress(b"".join(row.tobytes() for row in rows))


SMOOTH = np.cumsum(np.random.default_rng(2).integers(-2, 3, (83, 61, 3)), 0).astype(np.uint8)
PLAIN = pytest.mark.parametrize("pixels, kind", [(SMOOTH, (8, 2)), (SMOOTH[..., 0], (8, 0))])


@PLAIN
@pytest.mark.parametrize("filters", range(5))
@pytest.mark.parametrize("pieces", [1, 3, 20])
def test_opencv_and_pillow_decode_the_same_pixels(pixels, kind, filters, pieces):
    rows = stream(pixels, filters)
    data = png(kind, rows, pixels.shape, piece=len(rows) // pieces + 1)
    assert np.array_equal(_by_opencv(data), by_pillow(data))


@PLAIN
def test_opencv_and_pillow_decode_the_same_pixels_of_interlaced_files(pixels, kind):
    data = png(kind, adam7(pixels), pixels.shape, interlaced=True)
    assert np.array_equal(_by_opencv(data), as_rgb(pixels) if pixels.ndim == 2 else pixels)
    assert reads_as_pillow_does(data)


@pytest.mark.parametrize("side", [*range(1, 20), 63, 64, 65])
def test_opencv_and_pillow_decode_the_same_pixels_at_any_width(side):
    random = np.random.default_rng(side).integers(0, 256, (90, side, 3), np.uint8)
    data = encoded("PNG", random)
    assert np.array_equal(_by_opencv(data), random)
    assert reads_as_pillow_does(data)


KINDS = [(depth, colour) for depth in (1, 2, 4, 8, 16) for colour in (0, 2, 3, 4, 6)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_depth_and_colour_type_of_a_png_reads_as_pillow_does(kind):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind[1]]
    row = np.random.default_rng(0).integers(0, 256, (12, 16 * channels * kind[0] // 8), np.uint8)
    palette = chunk(b"PLTE", bytes(range(256)) * 3)
    data = png(kind, stream(row), (12, 16), before=palette if kind[1] == 3 else b"")
    if kind == (16, 0):  # Pillow clips what we scale
        assert np.array_equal(read_image(data)[..., 0], row.view(">u2").astype(int) * 255 // 65535)
    else:
        assert reads_as_pillow_does(data)


TURN = '<x xmlns:tiff="" tiff:Orientation="6"/>'
EXTRA = {
    "turned by EXIF": chunk(b"eXIf", exif(TURNED).tobytes()[6:]),
    "turned by a text": chunk(b"tEXt", b"exif\0" + exif(TURNED).tobytes()),
    "turned by an old profile": chunk(
        b"tEXt", b"Raw profile type exif\0\nexif\n 26\n" + exif(TURNED).tobytes().hex().encode()
    ),
    "turned by XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + TURN.encode()),
    "turned by packed XMP": chunk(
        b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(TURN.encode())
    ),
    "EXIF of garbage": chunk(b"eXIf", b"garbage"),
    "EXIF, not turned": chunk(b"eXIf", exif(1).tobytes()[6:]),
    "a transparent colour": chunk(b"tRNS", struct.pack(">HHH", *map(int, SMOOTH[4, 4]))),
    "half a transparent colour": chunk(b"tRNS", b"\0"),
    "a colour profile": chunk(b"iCCP", b"name\0\0" + zlib.compress(b"not a profile")),
    "a colour profile packed unknown": chunk(b"iCCP", b"name\0\1abc"),
    "a palette": chunk(b"PLTE", bytes(range(30))),
    "gamma": chunk(b"gAMA", struct.pack(">I", 20_000)),
    "half a gamma": chunk(b"gAMA", b"\0"),
    "half a resolution": chunk(b"pHYs", b"\0"),
    "significant bits": chunk(b"sBIT", b"\3\3\3"),
    "a background": chunk(b"bKGD", bytes(6)),
    "a text that unpacks to three megabytes": chunk(
        b"zTXt", b"a\0\0" + zlib.compress(bytes(3 << 20))
    ),
    "another header": chunk(b"IHDR", struct.pack(">IIBBBBB", 20, 20, 8, 2, 0, 0, 0)),
    "no pixels": chunk(b"IDAT", b""),
    "two frames": chunk(b"acTL", struct.pack(">II", 2, 0)),
    "a frame": chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 30, 30, 5, 5, 1, 1, 0, 0)),
    "the pixels of a frame": chunk(b"fdAT", bytes(8)),
    "an unknown chunk": chunk(b"abCd", b"unknown"),
    "a chunk without a name": chunk(bytes(4), b"unknown"),
}


@pytest.mark.parametrize("place", ["before", "between", "after"])
@pytest.mark.parametrize("what", EXTRA)
def test_whatever_else_a_png_says_it_reads_as_pillow_does(what, place):
    data = png((8, 2), stream(SMOOTH), SMOOTH.shape, piece=2500, **{place: EXTRA[what]})
    assert reads_as_pillow_does(data)


def whole_png() -> bytes:
    text = chunk(b"tEXt", b"Comment\0a photo")
    extra = {"before": chunk(b"gAMA", struct.pack(">I", 45_455)) + text, "after": text}
    return png((8, 2), stream(SMOOTH), SMOOTH.shape, piece=2500, **extra)


def test_a_png_cut_anywhere_reads_as_pillow_does_and_libraries_print_nothing(capfd):
    data = whole_png()
    ends = {*np.linspace(1, len(data), 60, dtype=int), *range(len(data) - 40, len(data) + 1)}
    assert not [end for end in ends if not reads_as_pillow_does(data[:end])]
    assert capfd.readouterr().err == ""


def test_a_png_with_a_wrong_bit_reads_as_pillow_does_and_libraries_print_nothing(capfd):
    data, random = whole_png(), np.random.default_rng(4)
    ends = {*range(120), *range(len(data) - 90, len(data))}
    wrong = [with_wrong_bit(data, at, random) for at in {*ends, *random.integers(0, len(data), 99)}]
    assert not [damaged for damaged in wrong if not reads_as_pillow_does(damaged)]
    assert capfd.readouterr().err == ""


def with_wrong_bit(data: bytes, at: int, random: np.random.Generator) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << int(random.integers(8)))]) + data[at + 1 :]


@pytest.mark.parametrize("piece", [2500, 65536])
def test_wrong_pixel_data_under_right_checksums_read_as_pillow_reads_them(piece):
    whole, random = stream(SMOOTH), np.random.default_rng(5)
    places = {*range(20), *range(len(whole) - 20, len(whole)), *random.integers(0, len(whole), 99)}
    streams = [
        *(with_wrong_bit(whole, at, random) for at in places),
        *(whole[:end] for end in (*range(0, len(whole), 300), *range(len(whole) - 9, len(whole)))),
        *(stream(SMOOTH, filters) for filters in (5, 255)),
        *(stream(SMOOTH[:rows]) for rows in (1, 40, 82)),
        *(stream(np.vstack([SMOOTH, SMOOTH])), whole + b"more"),
    ]
    files = [png((8, 2), data, SMOOTH.shape, piece=piece) for data in streams]
    assert not [index for index, file in enumerate(files) if not reads_as_pillow_does(file)]


@pytest.mark.parametrize("left", range(1, 12))
def test_a_wrong_checksum_of_the_pixels_is_seen_wherever_libpng_reads_it(left):
    width = 8192 + left - 12  # 12 bytes are no pixels
    rows = stream(np.zeros((1, width), np.uint8), level=0)
    assert len(rows) == 8192 + left
    damaged = png((8, 0), rows[:-1] + bytes([rows[-1] ^ 1]), (1, width), piece=1 << 20)
    assert by_pillow(damaged) is None
    with pytest.raises(UnreadableImage, match="damaged"):
        read_image(damaged)


@pytest.mark.parametrize("shape", [(1, 1_100_000), (1_100_000, 1)])
def test_a_line_longer_than_opencv_allows_is_read(shape):
    pixels = np.zeros((*shape, 3), np.uint8)
    pixels[-1, -1] = 7
    assert np.array_equal(read_image(encoded("PNG", pixels)), pixels)
