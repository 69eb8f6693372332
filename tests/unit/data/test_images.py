"""Masks on the evaluation grid, resizing, and images decoded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from anomaly.data.images import (
    instances_on_grid,
    load_image,
    load_images,
    load_instances,
    load_truth,
    resize,
)
from anomaly.data.read import digest
from anomaly.errors import InputError
from anomaly.types import Annotation, Image, Sample, Split


def mask_file(folder: Path, mask: np.ndarray) -> Path:
    PIL.Image.fromarray(mask * np.uint8(255)).save(folder / "mask.png")
    return folder / "mask.png"


@pytest.mark.parametrize("side", [32, 100, 900])
def test_a_single_defective_pixel_survives_the_grid(side, tmp_path):
    for y, x in ((0, 0), (side // 2, side // 3), (side - 1, side - 1)):
        mask = np.zeros((side, side + 7), bool)
        mask[y, x] = True
        found = np.argwhere(instances_on_grid(mask_file(tmp_path, mask), 64, 0))
        assert len(found)
        assert np.abs(found.mean(0) - (y * 64 / side, x * 64 / (side + 7))).max() <= 2


def test_a_scratch_thinner_than_a_cell_keeps_its_length(tmp_path):
    mask = np.zeros((640, 640), bool)
    mask[100:500, 333] = True
    assert instances_on_grid(mask_file(tmp_path, mask), 64, 0).any(1).sum() >= 38


def test_a_large_defect_keeps_its_share_of_the_image(tmp_path):
    mask = np.zeros((300, 500), bool)
    mask[30:150, 100:350] = True
    covered = instances_on_grid(mask_file(tmp_path, mask), 64, 0) > 0
    assert covered.mean() == pytest.approx(mask.mean(), abs=0.01)


def test_a_mask_of_the_grids_own_size_is_kept_as_it_is(tmp_path):
    mask = np.random.default_rng(0).random((64, 64)) > 0.8
    assert np.array_equal(instances_on_grid(mask_file(tmp_path, mask), 64, 0) > 0, mask)


def test_good_parts_have_an_empty_mask():
    assert not instances_on_grid(None, 16, 0).any()
    assert load_instances(Split("test", (), 16)).shape == (0, 16, 16)


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


@pytest.mark.parametrize("place", range(0, 1000, 37))
def test_a_thin_scratch_of_a_long_image_is_not_all_of_it(tmp_path, place):
    mask = np.zeros((200, 1000), bool)
    mask[:, place] = True
    assert 256 <= np.count_nonzero(instances_on_grid(mask_file(tmp_path, mask), 256, 0)) <= 512


def test_shrinking_averages_so_that_nothing_between_the_pixels_is_lost():
    image = np.random.default_rng(0).random((256, 256)).astype(np.float32)
    blocks = image.reshape(64, 4, 64, 4).mean((1, 3))
    assert np.allclose(resize(image, 64), blocks, atol=1e-5)


def images(folder: Path, count: int = 3) -> list[Image]:
    out = []
    for index in range(count):
        path = folder / f"{index}.png"
        PIL.Image.fromarray(np.full((20, 30, 3), index * 20, np.uint8)).save(path)
        out.append(Image(f"train/good/{index}.png", path, digest(path)))
    return out


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


def test_the_truth_lies_on_the_splits_grid(tmp_path):
    samples = tuple(Sample(image, Annotation(0), 0) for image in images(tmp_path))
    truth = load_truth(Split("test", samples, grid=48), ("good", "bent"))
    assert truth.masks.shape == (3, 48, 48)
    assert truth.ids == tuple(f"train/good/{i}.png" for i in range(3))
