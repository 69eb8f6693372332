"""Resizing, and images decoded once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from anomaly.cache.store import NoCache
from anomaly.data.images import load_image, load_images, photo, resize
from anomaly.data.read import digest
from anomaly.errors import InputError
from anomaly.types import Image


@pytest.mark.parametrize("shape", [(40, 60), (200, 30), (10, 10), (64, 64)])
def test_resizing_keeps_constants_and_type_whatever_the_shape(shape):
    image = np.full((*shape, 3), 77, np.uint8)
    resized = resize(image, 64)
    assert resized.shape == (64, 64, 3)
    assert resized.dtype == np.uint8
    assert (resized == 77).all()


@pytest.mark.parametrize("shape", [(200, 1000), (1000, 200), (100, 1000)])
def test_a_side_that_shrinks_is_averaged_where_the_other_grows(shape):
    lines = np.zeros(shape, np.float32)
    where = np.s_[:, ::9] if shape[1] > shape[0] else np.s_[::9]
    lines[where] = 1
    resized = resize(lines, 256)
    assert 0 < resized.max() < 0.5 and resized.mean() == pytest.approx(lines.mean(), rel=0.02)


def test_shrinking_averages_so_that_nothing_between_the_pixels_is_lost():
    image = np.random.default_rng(0).random((256, 256)).astype(np.float32)
    blocks = image.reshape(64, 4, 64, 4).mean((1, 3))
    assert np.allclose(resize(image, 64), blocks, atol=1e-5)


def images(folder: Path, count: int = 3) -> list[Image]:
    written = []
    for index in range(count):
        path = folder / f"{index}.png"
        PIL.Image.fromarray(np.full((20, 30, 3), index * 20, np.uint8)).save(path)
        written.append(Image(f"train/good/{index}.png", path, digest(path)))
    return written


def test_images_come_in_their_order(tmp_path, cache):
    loaded = load_images(images(tmp_path), 16, cache)
    assert loaded.shape == (3, 16, 16, 3)
    assert loaded.mean((1, 2, 3)).tolist() == [0, 20, 40]


def test_an_image_is_decoded_once_for_each_size(tmp_path, cache):
    image = images(tmp_path, 1)[0]
    first = load_image(image, 16, cache)
    image.source.unlink()
    assert np.array_equal(load_image(image, 16, cache), first)
    with pytest.raises(InputError, match=r"0\.png: cannot be read \(No such file"):
        load_image(image, 32, cache)


def test_an_image_that_was_replaced_is_refused_and_not_kept_under_the_old_name(tmp_path, cache):
    first, second = images(tmp_path, 2)
    first.source.write_bytes(second.source.read_bytes())
    for _ in range(2):
        with pytest.raises(InputError, match=r"0\.png: changed while it was read; start again"):
            load_image(first, 16, cache)


def test_an_image_that_cannot_be_decoded_is_named(tmp_path, cache):
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\nthat is all")
    with pytest.raises(InputError, match=r"cut\.png: "):
        load_image(Image("cut.png", tmp_path / "cut.png", "digest"), 16, cache)


def test_a_file_and_its_bytes_are_the_same_photo(tmp_path, cache):
    file = images(tmp_path, 1)[0].source
    stored, received = photo(file), photo(file.read_bytes())
    assert stored.content == received.content == hashlib.sha256(file.read_bytes()).hexdigest()
    pixels = load_image(stored, 16, NoCache())
    assert np.array_equal(load_image(received, 16, NoCache()), pixels)
    load_image(stored, 16, cache)
    file.unlink()
    assert np.array_equal(load_image(received, 16, cache), pixels)


def test_bytes_are_named_by_their_digest_unless_they_have_a_name(tmp_path):
    data = images(tmp_path, 1)[0].source.read_bytes()
    assert photo(data).id == hashlib.sha256(data).hexdigest()[:12]
    assert photo(data, "part 7").id == "part 7"
    assert len(repr(photo(data))) < 200  # an encoded photo may have megabytes


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty file"),
        (b"no pixels here", "not an image"),
        (b"\x89PNG\r\n\x1a\n", "not an ima"),
    ],
)
def test_bytes_that_cannot_be_decoded_get_the_sentence_of_a_file(data, reason, tmp_path):
    (tmp_path / "part 7").write_bytes(data)
    for image in (photo(data, "part 7"), photo(tmp_path / "part 7")):
        with pytest.raises(InputError, match=f"part 7: {reason}"):
            load_image(image, 16, NoCache())
