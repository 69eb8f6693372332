"""Which files are meant, and what becomes of those that are no photos."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from anomaly.data.drawn.render import render
from anomaly.errors import InputError
from anomaly.inspector.folder.photos import files_of, load, typed

PNG = b"\x89PNG\r\n\x1a\n"


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture
def parts(tmp_path, monkeypatch) -> Path:
    touch(tmp_path, "in/b.png", "in/a/c.JPG", "in/a.bmp", "in/.hidden.png", "in/.cache/x.png",
        "in/ground_truth/m.png", "in/notes.txt", "alone.tif", "odd.raw", "in/[1].png")  # fmt: skip
    monkeypatch.chdir(tmp_path)
    return tmp_path


PHOTOS = ["in/[1].png", "in/a.bmp", "in/a/c.JPG", "in/b.png"]


def meant(*words: str, out: str = "out", **options: bool) -> list[str]:
    return files_of(words, Path(out), **options)


def test_a_folder_means_all_photos_below_it_but_hidden_ones_and_masks(parts):
    assert sorted(meant("in")) == PHOTOS
    assert meant("in") == meant("in/") == meant("./in")


def test_a_file_that_is_named_counts_whatever_its_name(parts):
    assert meant("odd.raw", "alone.tif") == ["odd.raw", "alone.tif"]


def test_patterns_and_names_that_look_like_patterns(parts):
    assert meant("in/*.png") == ["in/[1].png", "in/b.png"]
    assert meant("in/[1].png") == ["in/[1].png"]
    assert meant("**/*.JPG") == ["in/a/c.JPG"]
    assert sorted(meant("i*")) == PHOTOS


def test_a_photo_that_several_words_mean_is_there_once(parts):
    words = ("in/b.png", "in", "in/*.png", "./in/b.png", str(parts / "in"), "in/a/../b.png")
    assert meant(*words)[0] == "in/b.png"
    assert len(meant(*words)) == len(PHOTOS)


def test_words_stay_in_their_order(parts):
    assert meant("odd.raw", "in/b.png", "alone.tif") == ["odd.raw", "in/b.png", "alone.tif"]


@pytest.mark.parametrize("word", ["missing", "in/*.gif", "", "a\0b", "x" * 5000, "in/b.png/x"])
def test_what_is_nothing_is_refused_at_first_and_overlooked_later(word, parts):
    with pytest.raises(InputError, match="is no file or folder"):
        meant(word)
    assert meant(word, "in", again=True) == meant("in")


def test_results_inside_the_photos_are_not_photos(parts):
    touch(parts, "in/out/pictures/1.jpg", "in/earlier/pictures/2.jpg", "in/earlier/inspection.json")
    assert sorted(meant("in", out="in/out")) == PHOTOS
    assert {*meant("in/*", out=str(parts / "in" / "out"))} == {*PHOTOS, "in/notes.txt"}
    for word in ("in/out", "in/out/pictures/1.jpg"):
        with pytest.raises(InputError, match="lies in the folder of the results"):
            meant(word, out="in/out")


def test_the_photos_own_folder_cannot_be_that_of_the_results(parts):
    with pytest.raises(InputError, match="give another folder as --out"):
        meant("in", out="in")


# No mode of a folder keeps root out, and no other folder that root cannot read can be made by a test.
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder, so none is refused")
def test_a_folder_that_cannot_be_read_is_not_passed_over(parts):
    (parts / "in" / "a").chmod(0)
    with pytest.raises(InputError, match="in/a cannot be read"):
        meant("in")
    (parts / "in" / "a").chmod(0o700)


def test_strangers_are_logged_at_the_first_look_only(parts, caplog):
    caplog.set_level("INFO")
    meant("in", again=True)
    assert not caplog.messages
    meant("in")
    assert caplog.messages == ["in: 1 files are no photos by their name (notes.txt)"]


def test_standard_input_is_a_list_in_bytes(parts, monkeypatch):
    data = b"in/b.png\r\n\nalone.tif\n\xff.png\n no newline"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))
    words = typed(["odd.raw", "-"])
    assert words == ["odd.raw", "in/b.png", "alone.tif", os.fsdecode(b"\xff.png"), " no newline"]


# === Bad files ===


def png(width: int, height: int) -> bytes:
    """One that ends where its pixels begin."""
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT")
    lengths = (struct.pack(">I", len(chunk) - 4) for chunk in chunks)
    sums = (struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)
    return PNG + b"".join(b"".join(parts) for parts in zip(lengths, chunks, sums, strict=True))


def encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


PIXELS = render("good", 1, 0, 64).image
WHOLE = encoded(PIXELS, "PNG")
BAD = {
    "empty.png": (b"", "empty file"),
    "text.png": (b"hello", "not an image"),
    "cut.png": (WHOLE[:2000], "truncated|damaged"),
    "cut.jpg": (encoded(PIXELS, "JPEG")[:-300], "truncated"),
    "bomb.png": (png(20_000, 10_001), "20000 x 10001 pixels, above the limit of 200 million"),
    "float.tif": (encoded(np.ones((8, 8), np.float32), "TIFF"), "floating-point"),
    "deep.tif": (encoded(np.full((8, 8), 10**6, np.int32), "TIFF"), "32-bit"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_a_file_is_its_reason(name, tmp_path):
    data, reason = BAD[name]
    (tmp_path / name).write_bytes(data)
    photo = load(str(tmp_path / name))
    assert photo.image is None and photo.digest == hashlib.sha256(data).hexdigest()
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(photo.reason)


def test_a_file_that_cannot_be_read_has_no_digest(tmp_path):
    (tmp_path / "folder.png").mkdir()
    for name in ("gone.png", "folder.png"):
        photo = load(str(tmp_path / name))
        assert (photo.image, photo.digest) == (None, "")
        assert photo.reason.startswith(("cannot be read", "not a regular file"))


def test_what_was_judged_is_not_decoded_again(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(BAD["bomb.png"][0])
    asked = []
    assert load(str(file), lambda *pair: bool(asked.append(pair)) or True) is None
    assert asked == [(str(file), hashlib.sha256(file.read_bytes()).hexdigest())]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_no_damage_stops_the_others(kind, tmp_path):
    """Whatever a decoder raises on bytes that were changed becomes a reason."""
    random = np.random.default_rng(0)
    whole = np.frombuffer(encoded(PIXELS[:24, :24], kind), np.uint8)
    for place in range(300):
        data = whole.copy()
        head = random.integers(0, min(len(data), 400), 3)
        data[head] = random.integers(0, 256, 3)
        if place % 3 == 0:
            data = data[: random.integers(1, len(data))]
        file = tmp_path / "x"
        file.write_bytes(data.tobytes())
        photo = load(str(file))
        assert (photo.image is None) == bool(photo.reason)


def test_every_kind_of_file_becomes_the_same_upright_rgb(tmp_path):
    grey = PIXELS[..., 1]
    exif = Pillow.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    alpha, red = np.full_like(grey, 9), np.dstack([PIXELS[..., 0]] * 3)
    cases = {
        "turned.png": (np.rot90(PIXELS), {"exif": exif}, PIXELS),
        "alpha.png": (np.dstack([PIXELS, alpha]), {}, PIXELS),
        "rgb.tif": (PIXELS, {}, PIXELS),
        "grey.png": (grey, {}, np.dstack([grey] * 3)),
        "grey.bmp": (grey, {}, np.dstack([grey] * 3)),
        "deep.png": (grey.astype(np.uint16) * 257, {}, np.dstack([grey] * 3)),
        "deep.tif": (grey.astype(np.uint16) * 257, {}, np.dstack([grey] * 3)),
        "one-bit.png": (PIXELS[..., 0] > 99, {}, np.where(red > 99, 255, 0)),
    }
    for name, (pixels, options, expected) in cases.items():
        Pillow.fromarray(pixels).save(tmp_path / name, **options)
        assert np.array_equal(load(str(tmp_path / name)).image.source, expected), name
