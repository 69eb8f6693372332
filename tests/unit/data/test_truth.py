"""Masks on the evaluation grid, divided into instances."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from anomaly.data.truth import instances_on_grid, load_instances, load_truth
from anomaly.types import Annotation, Image, Sample, Split


def mask_file(folder: Path, mask: np.ndarray) -> Path:
    PIL.Image.fromarray(mask * np.uint8(255)).save(folder / "mask.png")
    return folder / "mask.png"


def four_defects() -> np.ndarray:
    """A square of 100 pixels, a bar of 40, two pixels that touch at a corner, and a single pixel."""
    mask = np.zeros((64, 64), bool)
    mask[10:20, 10:20] = mask[40:44, 20:30] = True
    mask[50, 50] = mask[51, 51] = mask[60, 5] = True
    return mask


def test_pixels_carry_the_number_of_their_instance(tmp_path):
    instances = instances_on_grid(mask_file(tmp_path, four_defects()), 64, 2)
    assert np.bincount(instances.ravel()).tolist() == [64 * 64 - 142, 100, 40, 2]
    assert not instances_on_grid(None, 32, 2).any()


def test_a_scratch_much_thinner_than_a_cell_is_one_instance_of_its_whole_length(tmp_path):
    mask = np.zeros((1024, 1024), np.uint8)
    cv2.line(mask, (100, 130), (900, 560), 1, 2)
    mask[300:340, 100:140] = 1
    instances = instances_on_grid(mask_file(tmp_path, mask > 0), 128, 0)
    assert set(np.unique(instances)) == {0, 1, 2}
    assert max((instances == number).any(0).sum() for number in (1, 2)) >= 95  # of 100


def test_a_speck_beside_a_large_defect_overlaps_it(tmp_path):
    mask = np.zeros((1024, 1024), bool)
    mask[100:300, 100:300] = mask[100:103, 302:306] = True
    assert set(np.unique(instances_on_grid(mask_file(tmp_path, mask), 64, 0))) == {0, 1, 2}


def test_very_many_instances_are_all_kept(tmp_path):
    mask = np.zeros((64, 64), bool)
    mask[::3, ::3] = True
    instances = instances_on_grid(mask_file(tmp_path, mask), 64, 0)
    assert np.array_equal(instances > 0, mask) and instances.max() == 255


def test_no_instance_vanishes_when_the_image_shrinks(tmp_path):
    instances = instances_on_grid(mask_file(tmp_path, four_defects()), 16, 0)
    assert set(np.unique(instances)) == {0, 1, 2, 3, 4}


def test_small_components_are_left_out_of_the_truth(tmp_path):
    sample = Sample(
        Image("a", tmp_path / "a.png", ""), Annotation(1, mask_file(tmp_path, four_defects())), 0
    )
    counts = [
        (load_instances(Split("test", (sample,), 64, min_area)) > 0).sum() for min_area in (0, 10)
    ]
    assert counts == [143, 140]


@pytest.mark.parametrize("side", [32, 100, 900])
def test_a_single_defective_pixel_survives_the_grid(side, tmp_path):
    for y, x in ((0, 0), (side // 2, side // 3), (side - 1, side - 1)):
        mask = np.zeros((side, side + 7), bool)
        mask[y, x] = True
        cells = np.argwhere(instances_on_grid(mask_file(tmp_path, mask), 64, 0))
        assert len(cells)
        assert np.abs(cells.mean(0) - (y * 64 / side, x * 64 / (side + 7))).max() <= 2


def test_a_scratch_thinner_than_a_cell_keeps_its_length(tmp_path):
    mask = np.zeros((640, 640), bool)
    mask[100:500, 333] = True
    assert instances_on_grid(mask_file(tmp_path, mask), 64, 0).any(1).sum() >= 38


def test_a_large_defect_keeps_its_share_of_the_image(tmp_path):
    mask = np.zeros((300, 500), bool)
    mask[30:150, 100:350] = True
    covered = instances_on_grid(mask_file(tmp_path, mask), 64, 0) > 0
    assert covered.mean() == pytest.approx(mask.mean(), abs=0.01)


def test_a_mask_of_the_size_of_the_grid_is_kept_unchanged(tmp_path):
    mask = np.random.default_rng(0).random((64, 64)) > 0.8
    assert np.array_equal(instances_on_grid(mask_file(tmp_path, mask), 64, 0) > 0, mask)


def test_good_parts_have_an_empty_map():
    assert not instances_on_grid(None, 16, 0).any()
    assert load_instances(Split("test", (), 16)).shape == (0, 16, 16)


@pytest.mark.parametrize("place", range(0, 1000, 37))
def test_a_thin_scratch_of_a_long_image_is_not_all_of_it(tmp_path, place):
    mask = np.zeros((200, 1000), bool)
    mask[:, place] = True
    assert 256 <= np.count_nonzero(instances_on_grid(mask_file(tmp_path, mask), 256, 0)) <= 512


def test_the_truth_lies_on_the_splits_grid():
    images = [Image(f"train/good/{i}.png", Path("absent.png"), "") for i in range(3)]
    samples = tuple(Sample(image, Annotation(0), 0) for image in images)
    truth = load_truth(Split("test", samples, grid=48), ("good", "bent"))
    assert truth.masks.shape == (3, 48, 48)
    assert truth.ids == tuple(f"train/good/{i}.png" for i in range(3))
