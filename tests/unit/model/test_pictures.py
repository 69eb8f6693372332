"""The views of a prediction and the versions of a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anomaly.augment import classic
from anomaly.model.pictures import training_pictures, turn, views
from anomaly.types import Sample

IMAGE = np.arange(12 * 12 * 3, dtype=np.uint8).reshape(12, 12, 3)


def test_the_eight_views_are_different_and_the_first_is_the_image():
    assert np.array_equal(turn(IMAGE, 0), IMAGE)
    assert len({turn(IMAGE, view).tobytes() for view in range(8)}) == 8


@pytest.mark.parametrize("view", range(8))
def test_a_view_is_a_symmetry_of_the_square(view):
    order = 4 if view < 4 else 2  # as often as any of its kind must be applied to come back
    image = IMAGE
    for _ in range(order):
        image = turn(image, view)
    assert np.array_equal(image, IMAGE)


def test_turned_views_turn_and_mirrored_views_mirror():
    assert np.array_equal(turn(IMAGE, 1), np.rot90(IMAGE))
    assert np.array_equal(turn(IMAGE, 4), IMAGE[:, ::-1])


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    out = []
    for index, label in enumerate((0, 0, 1)):
        path = tmp_path / f"{index}.png"
        Image.fromarray(np.roll(IMAGE, index, axis=0)).save(path)
        out.append(Sample(f"{index}", path, None, label, f"digest{index}", index))
    return out


@pytest.fixture
def policy():
    return classic.build(seed=0, factor=3, rotation=90, brightness=[0.5, 1.5])


def test_a_training_has_every_version_of_every_sample(samples, policy, cache):
    pictures = training_pictures(samples, policy, 12, cache)
    assert [picture.label for picture in pictures] == [0, 0, 1, 1, 1]
    assert len({picture.key for picture in pictures}) == 5
    assert all(picture.load().shape == (12, 12, 3) for picture in pictures)


def test_an_unchanged_version_shares_its_key_with_the_first_view(samples, policy, cache):
    pictures = training_pictures(samples, policy, 12, cache)
    first = views(samples, 0, 12, cache)
    assert {p.key for p in first} == {pictures[i].key for i in (0, 1, 2)}
    assert np.array_equal(first[2].load(), pictures[2].load())


def test_keys_tell_sizes_and_views_apart(samples, cache):
    keys = {views(samples[:1], v, size, cache)[0].key for v in range(8) for size in (12, 24)}
    assert len(keys) == 16
