"""The number of versions of an image, and that each depends only on its id, number and seed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import albumentations as A
import numpy as np
import pytest

from anomaly.augment import classic, light, strong
from anomaly.augment.policy import Policy

IMAGE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
MASK = np.zeros((64, 64), bool)
MASK[20:40, 10:30] = True
LABELS = np.array([0] * 20 + [1] * 4 + [2] * 5)
STRONG = {
    "border": "reflect",
    "rotation": 180,
    "brightness": 0.2,
    "contrast": 0.2,
    "shift": 0.05,
    "zoom": 0.1,
}


def random_policy(seed: int = 0) -> Policy:
    return strong.build(seed=seed, factor="balance", good_factor=2, noise=0.04, **STRONG)


def light_policy(factor, good_factor: int) -> Policy:
    return light.build(seed=0, factor=factor, good_factor=good_factor)


def versions_of(policy: Policy, jobs: list[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
    return {job: policy.apply(IMAGE, MASK, *job)[0].tobytes() for job in jobs}


JOBS = [(id, version) for id in ("a", "b", "c") for version in range(4)]


def test_a_version_does_not_depend_on_the_order_of_calls():
    assert versions_of(random_policy(), JOBS) == versions_of(random_policy(), JOBS[::-1])


def test_a_version_does_not_depend_on_threads():
    policy = random_policy()
    with ThreadPoolExecutor(8) as pool:
        images = pool.map(lambda job: policy.apply(IMAGE, MASK, *job)[0].tobytes(), JOBS * 5)
    assert list(images) == list(versions_of(random_policy(), JOBS).values()) * 5


def test_versions_differ_by_id_by_number_and_by_seed():
    images = [
        *versions_of(random_policy(0), JOBS).items(),
        *versions_of(random_policy(1), JOBS).items(),
    ]
    changed = [image for (_, version), image in images if version]
    assert len(set(changed)) == len(changed)


def test_version_zero_is_the_image_itself():
    image, mask = random_policy().apply(IMAGE, MASK, "a", 0)
    assert np.array_equal(image, IMAGE)
    assert np.array_equal(mask, MASK)


@pytest.mark.parametrize("version", range(1, 6))
def test_the_mask_follows_the_image(version):
    marked = np.repeat((MASK * np.uint8(255))[..., None], 3, axis=2)
    policy = light_policy("balance", 2)
    image, mask = policy.apply(marked, MASK, "a", version)
    assert mask.dtype == bool
    assert ((image[..., 0] > 127) == mask).mean() > 0.98


def test_the_classic_policy_makes_twelve_versions_of_a_defect_and_one_of_a_good_part():
    policy = classic.build(seed=0, factor=12, rotation=90, brightness=[0.5, 1.5])
    assert policy.versions(LABELS).tolist() == [1] * 20 + [12] * 9


@pytest.mark.parametrize("good_factor", [1, 4])
def test_balance_brings_every_class_level_with_the_largest(good_factor):
    versions = light_policy("balance", good_factor).versions(LABELS)
    sums = np.bincount(LABELS, versions)
    assert set(versions[LABELS == 0]) == {good_factor}
    assert (np.abs(sums - 20 * good_factor) <= np.bincount(LABELS) / 2).all()


def test_balance_never_drops_an_image_of_the_largest_class():
    labels = np.array([0] * 3 + [1] * 30)
    versions = light_policy("balance", 1).versions(labels)
    assert set(versions[labels == 1]) == {1}
    assert set(versions[labels == 0]) == {10}


def test_a_number_as_factor_counts_for_defects_only():
    assert light_policy(3, 2).versions(LABELS).tolist() == [2] * 20 + [3] * 9


def test_different_pipelines_and_seeds_have_different_names():
    flip, rotate = A.Compose([A.HorizontalFlip(p=1)]), A.Compose([A.Rotate((-9, 9), p=1)])
    names = {Policy([p], 1, 1, seed).name for p in (flip, rotate) for seed in (0, 1)}
    assert len(names) == 4
    assert (
        Policy([flip], 1, 1, 0).name == Policy([A.Compose([A.HorizontalFlip(p=1)])], 1, 1, 0).name
    )


def test_light_makes_the_eight_symmetries_of_a_square_and_then_repeats_them():
    policy = light_policy("balance", 8)
    images = [policy.apply(IMAGE, MASK, "a", version)[0] for version in range(16)]
    rotated = [np.rot90(image, k) for image in (IMAGE, IMAGE[:, ::-1]) for k in range(4)]
    assert {image.tobytes() for image in images[:8]} == {image.tobytes() for image in rotated}
    assert all(np.array_equal(a, b) for a, b in zip(images[:8], images[8:], strict=True))
    assert [policy.distinct(version) for version in range(16)] == [*range(8), *range(8)]
    assert [random_policy().distinct(version) for version in (0, 9, 99)] == [0, 9, 99]
