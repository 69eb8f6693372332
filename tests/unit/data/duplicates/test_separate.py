"""A mask cut into its separate defects."""

from __future__ import annotations

import cv2
import numpy as np
import PIL.Image

from anomaly.data.truth import instances_on_grid, load_instances
from anomaly.types import Annotation, Image, Sample, Split


def mask() -> np.ndarray:
    """A square of 100 pixels, a bar of 40, two pixels that touch by a corner, one alone."""
    own = np.zeros((64, 64), bool)
    own[10:20, 10:20] = own[40:44, 20:30] = True
    own[50, 50] = own[51, 51] = own[60, 5] = True
    return own


def file_of(folder, own: np.ndarray):
    PIL.Image.fromarray(own * np.uint8(255)).save(folder / "mask.png")
    return folder / "mask.png"


def test_pixels_carry_the_number_of_their_instance(tmp_path):
    numbered = instances_on_grid(file_of(tmp_path, mask()), 64, 2)
    assert np.bincount(numbered.ravel()).tolist() == [64 * 64 - 142, 100, 40, 2]
    assert not instances_on_grid(None, 32, 2).any()


def test_a_scratch_much_thinner_than_a_cell_is_one_instance_of_its_whole_length(tmp_path):
    own = np.zeros((1024, 1024), np.uint8)
    cv2.line(own, (100, 130), (900, 560), 1, 2)
    own[300:340, 100:140] = 1
    numbered = instances_on_grid(file_of(tmp_path, own > 0), 128, 0)
    assert set(np.unique(numbered)) == {0, 1, 2}
    assert max((numbered == number).any(0).sum() for number in (1, 2)) >= 95  # of 100


def test_a_speck_beside_a_large_defect_lies_on_top(tmp_path):
    own = np.zeros((1024, 1024), bool)
    own[100:300, 100:300] = own[100:103, 302:306] = True
    assert set(np.unique(instances_on_grid(file_of(tmp_path, own), 64, 0))) == {0, 1, 2}


def test_of_very_many_none_vanishes(tmp_path):
    own = np.zeros((64, 64), bool)
    own[::3, ::3] = True
    numbered = instances_on_grid(file_of(tmp_path, own), 64, 0)
    assert np.array_equal(numbered > 0, own) and numbered.max() == 255


def test_no_instance_vanishes_when_the_image_shrinks(tmp_path):
    numbered = instances_on_grid(file_of(tmp_path, mask()), 16, 0)
    assert set(np.unique(numbered)) == {0, 1, 2, 3, 4}


def test_the_truth_has_no_specks_either(tmp_path):
    sample = Sample(Image("a", tmp_path / "a.png", ""), Annotation(1, file_of(tmp_path, mask())), 0)
    counts = [(load_instances(Split("test", (sample,), 64, least)) > 0).sum() for least in (0, 10)]
    assert counts == [143, 140]
