"""For every file of conf/augment: shapes and types are kept, masks follow, seeds reproduce."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

OPTIONS = sorted(p.stem for p in (Path(__file__).parents[2] / "conf/augment").glob("*.yaml"))
EACH = pytest.mark.parametrize("option", OPTIONS)
VERSIONS = range(6)


def bright_spot() -> tuple[np.ndarray, np.ndarray]:
    """An image with a bright spot on a dark part, and the mask of the spot."""
    mask = np.zeros((64, 64), np.uint8)
    cv2.ellipse(mask, (40, 26), (14, 8), 30, 0, 360, 1, -1)
    image = np.full((64, 64, 3), 40, np.uint8)
    image[mask > 0] = 220
    return image, mask.astype(bool)


@pytest.fixture
def policy_of(parsed, build):
    return lambda option, seed=0: build(parsed(f"augment={option}").augment, seed=seed)


@EACH
def test_shape_and_type_are_kept_and_the_mask_stays_binary(option, policy_of):
    image, mask = bright_spot()
    policy = policy_of(option)
    for version in VERSIONS:
        changed, moved = policy.apply(image, mask, "a", version)
        assert (changed.shape, changed.dtype) == (image.shape, np.uint8)
        assert (moved.shape, moved.dtype) == (mask.shape, bool)


@EACH
def test_the_mask_follows_the_image(option, policy_of):
    image, mask = bright_spot()
    policy = policy_of(option)
    for version in VERSIONS:
        changed, moved = policy.apply(image, mask, "a", version)
        grey = cv2.GaussianBlur(changed[..., 0], (0, 0), 1)
        bright = grey > (float(grey.min()) + grey.max()) / 2
        overlap = (bright & moved).sum() / (bright | moved).sum()
        assert overlap > 0.8


@EACH
def test_the_same_seed_gives_the_same_images_and_the_original_is_not_changed(option, policy_of):
    image, mask = bright_spot()
    one, other = policy_of(option), policy_of(option)
    for version in VERSIONS:
        first, second = (policy.apply(image, mask, "a", version)[0] for policy in (one, other))
        assert np.array_equal(first, second)
    assert np.array_equal(image, bright_spot()[0])
    assert one.name == other.name


@EACH
def test_every_image_has_at_least_one_version(option, policy_of):
    labels = np.array([0] * 9 + [1] * 3 + [2])
    versions = policy_of(option).versions(labels)
    assert versions.shape == labels.shape
    assert np.issubdtype(versions.dtype, np.integer)
    assert versions.min() >= 1


@EACH
def test_distinct_versions_differ(option, policy_of):
    image, mask = bright_spot()
    policy = policy_of(option)
    count = policy.versions(np.array([0] * 9 + [1] * 3)).max()
    images = {policy.apply(image, mask, "a", version)[0].tobytes() for version in range(count)}
    assert len(images) == len({policy.distinct(version) for version in range(count)})
