"""SIFT patches: where they lie and what they describe; flat images have none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from anomaly.model.bovw.descriptors import PATCH, Sampling, describe

KEYPOINT = Sampling("keypoint", 8, (16,))
DENSE = Sampling("dense", 16, (16, 48))
FLAT = np.full((64, 64, 3), 200, np.uint8)


def noise(size: int = 64) -> np.ndarray:
    grey = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 256, (size, size)).astype(np.float32), (0, 0), 2
    )
    grey = cv2.normalize(grey, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return np.repeat(grey[..., None], 3, 2)


def test_a_keypoint_lies_on_the_spot_it_detects():
    image = FLAT.copy()
    cv2.circle(image, (16, 40), 4, (20, 20, 20), -1)
    patches = describe(image, KEYPOINT)
    assert len(patches)
    assert np.allclose(
        [patches["x"].mean(), patches["y"].mean()], [16.5 / 64, 40.5 / 64], atol=0.02
    )
    assert (patches["side"] > 8 / 64).all()  # the patch is larger than the spot


def test_dense_patches_lie_on_the_grid_once_for_every_side():
    patches = describe(noise(), DENSE)
    assert len(patches) == 2 * 4 * 4
    expected = [(x, y) for y in (8, 24, 40, 56) for x in (8, 24, 40, 56)]
    for side in (16, 48):
        of_side = patches[np.isclose(patches["side"], side / 64)]
        places = np.stack([of_side["x"], of_side["y"]], 1) * 64
        assert np.allclose(places, expected)


@pytest.mark.parametrize("side, blur", [(16, 8), (32, 8), (64, 28)])
def test_a_dense_patch_describes_its_extent_and_little_beyond(side, blur):
    image = np.full((192, 192, 3), 200, np.uint8)
    once = Sampling("dense", 192, (side,))  # one patch, in the middle
    image[:, 96 + 5 * side // 8 + blur :] = 0  # the outermost bins fade out over an eighth
    assert not describe(image, once)["sift"].any()
    image[:, 96 + side // 4 :] = 0
    assert describe(image, once)["sift"].any()


def test_descriptors_are_those_of_opencv():
    image = noise()
    points, expected = cv2.SIFT_create().detectAndCompute(image[..., 0].copy(), None)
    patches = describe(image, KEYPOINT)
    assert len(points) > 5
    assert np.array_equal(patches["sift"], expected)
    assert np.allclose(patches["x"], [(p.pt[0] + 0.5) / 64 for p in points])


def test_a_flat_image_has_no_keypoint_and_its_dense_patches_describe_nothing():
    none = describe(FLAT, KEYPOINT)
    assert none.shape == (0,)
    assert none.dtype == PATCH
    assert not describe(FLAT, DENSE)["sift"].any()


@pytest.mark.parametrize("threads", [1, 4])
def test_patches_do_not_depend_on_the_number_of_threads(threads):
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(threads)
        results = [describe(noise(256), s) for s in (KEYPOINT, DENSE)]
    finally:
        cv2.setNumThreads(before)
    for one, sampling in zip(results, (KEYPOINT, DENSE), strict=True):
        assert np.array_equal(one, describe(noise(256), sampling))


def test_the_name_of_a_sampling_depends_on_what_it_uses():
    names = {
        Sampling("dense", 8, (16,)).name,
        Sampling("dense", 4, (16,)).name,
        Sampling("dense", 8, (16, 32)).name,
        Sampling("keypoint", 8, (16,)).name,
    }
    assert len(names) == 4
    assert Sampling("keypoint", 8, (16,)).name == Sampling("keypoint", 4, (16, 32)).name
