"""For every file of conf/augment: shape and type kept, the mask follows, a seed repeats."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

OPTIONS = sorted(p.stem for p in (Path(__file__).parents[2] / "conf/augment").glob("*.yaml"))
EACH = pytest.mark.parametrize("option", OPTIONS)
VERSIONS = range(6)


def bright_spot() -> tuple[np.ndarray, np.ndarray]:
    """A bright spot on a dark part, and its mask: wherever the spot goes, the mask must go."""
    mask = np.zeros((64, 64), np.uint8)
    cv2.ellipse(mask, (40, 26), (14, 8), 30, 0, 360, 1, -1)
    image = np.full((64, 64, 3), 40, np.uint8)
    image[mask > 0] = 220
    return image, mask.astype(bool)


@pytest.fixture
def policy(parsed, build):
    return lambda option, seed=0: build(parsed(f"augment={option}").augment, seed=seed)


@EACH
def test_shape_and_type_are_kept_and_the_mask_stays_binary(option, policy):
    image, mask = bright_spot()
    own = policy(option)
    for version in VERSIONS:
        made, moved = own.apply(image, mask, "a", version)
        assert (made.shape, made.dtype) == (image.shape, np.uint8)
        assert (moved.shape, moved.dtype) == (mask.shape, bool)


@EACH
def test_the_mask_follows_the_image(option, policy):
    image, mask = bright_spot()
    own = policy(option)
    for version in VERSIONS:
        made, moved = own.apply(image, mask, "a", version)
        grey = cv2.GaussianBlur(made[..., 0], (0, 0), 1)
        bright = grey > (float(grey.min()) + grey.max()) / 2
        overlap = (bright & moved).sum() / (bright | moved).sum()
        assert overlap > 0.8


@EACH
def test_the_same_seed_gives_the_same_images_and_leaves_the_original_alone(option, policy):
    image, mask = bright_spot()
    one, other = policy(option), policy(option)
    for version in VERSIONS:
        made, same = (own.apply(image, mask, "a", version)[0] for own in (one, other))
        assert np.array_equal(made, same)
    assert np.array_equal(image, bright_spot()[0])
    assert one.name == other.name


@EACH
def test_every_image_has_at_least_itself_in_training(option, policy):
    labels = np.array([0] * 9 + [1] * 3 + [2])
    versions = policy(option).versions(labels)
    assert versions.shape == labels.shape
    assert np.issubdtype(versions.dtype, np.integer)
    assert versions.min() >= 1


@EACH
def test_a_policy_that_makes_versions_makes_different_ones(option, policy):
    image, mask = bright_spot()
    own = policy(option)
    count = own.versions(np.array([0] * 9 + [1] * 3)).max()
    made = {own.apply(image, mask, "a", version)[0].tobytes() for version in range(count)}
    assert len(made) == len({own.distinct(version) for version in range(count)})
