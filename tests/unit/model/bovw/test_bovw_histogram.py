"""Words and their histograms: laws that hold whatever was seen."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.errors import InputError
from anomaly.model.bovw.histogram import bins, histogram, length, vectors
from anomaly.model.bovw.encoder import SEEN
from anomaly.model.bovw.vocabulary import Vocabulary, learn, normalised

WORDS = 7
RANDOM = np.random.default_rng(0)
SIFT = RANDOM.integers(0, 256, (200, 128)).astype(np.uint8)


def seen(count: int = 50) -> np.ndarray:
    out = np.zeros(count, SEEN)
    out["x"], out["y"] = RANDOM.random((2, count))
    out["side"], out["word"] = 0.1, RANDOM.integers(0, WORDS, count)
    return out


def test_rootsift_has_length_1_and_its_products_are_hellingers():
    found = normalised(SIFT, root=True)
    shares = SIFT / SIFT.sum(1, keepdims=True, dtype=np.float64)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    hellinger = np.sqrt(shares[:, None] * shares[None]).sum(-1)
    assert np.allclose(found @ found.T, hellinger, atol=1e-5)


def test_without_the_root_descriptors_keep_their_direction():
    found = normalised(SIFT, root=False)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    lengths = np.linalg.norm(SIFT.astype(float), axis=1, keepdims=True)
    assert np.allclose(found * lengths, SIFT, atol=1e-2)


@pytest.mark.parametrize("root", [False, True])
def test_a_descriptor_of_nothing_stays_0(root):
    assert not normalised(np.zeros((2, 128), np.uint8), root).any()


@pytest.mark.parametrize("root", [False, True])
def test_the_nearest_word_is_the_nearest_by_euclid(root):
    vocabulary = Vocabulary(learn(SIFT, WORDS, root, seed=0), root)
    apart = normalised(SIFT, root)[:, None] - vocabulary.words[None]
    assert np.array_equal(vocabulary.nearest(SIFT), (apart**2).sum(-1).argmin(1))
    assert vocabulary.nearest(SIFT[:0]).shape == (0,)


def test_words_are_learned_alike_from_the_same_seed_and_named_by_content():
    one, again = (Vocabulary(learn(SIFT, WORDS, True, seed=3), True) for _ in range(2))
    assert np.array_equal(one.words, again.words)
    assert one.name == again.name != Vocabulary(one.words, False).name


def test_fewer_descriptors_than_words_are_refused():
    with pytest.raises(InputError, match=r"gives 3 SIFT descriptors, fewer than model\.words=7"):
        learn(SIFT[:3], WORDS, True, seed=0)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_a_histogram_sums_to_1_and_its_root_has_length_1(levels):
    found = histogram(seen(), WORDS, levels)
    assert found.shape == (length(WORDS, levels),)
    assert found.sum() == pytest.approx(1)
    assert np.linalg.norm(vectors([seen()], WORDS, levels)) == pytest.approx(1)


def test_the_order_of_the_patches_does_not_matter():
    own = seen()
    assert np.allclose(histogram(own[::-1], WORDS, 3), histogram(own, WORDS, 3))


def test_on_every_level_the_parts_of_the_image_sum_to_the_whole():
    own = seen()
    found = histogram(own, WORDS, 3)
    whole = np.bincount(own["word"], minlength=WORDS) / len(own)
    for level, weight in enumerate((1 / 4, 1 / 4, 1 / 2)):  # Lazebnik et al., equation 3
        first, last = length(WORDS, level), length(WORDS, level + 1)
        parts = found[first:last].reshape(4**level, WORDS)
        assert np.allclose(parts.sum(0), weight * whole)


def test_a_patch_counts_in_the_part_of_the_image_that_it_lies_in():
    own = np.zeros(1, SEEN)
    own["x"], own["y"], own["word"] = 0.9, 0.3, 2
    part = 1 * 4 + 3  # of 4 x 4: second row, fourth column
    assert bins(own, WORDS, 3).ravel().tolist() == [
        2,
        (1 + 1) * WORDS + 2,
        (1 + 4 + part) * WORDS + 2,
    ]
    own["x"], own["y"] = 1.001, -0.001  # keypoints may lie on the very edge
    assert bins(own, WORDS, 2).ravel().tolist() == [2, (1 + 1) * WORDS + 2]


def test_an_image_without_patches_has_an_empty_histogram():
    assert not histogram(seen(0), WORDS, 3).any()
    assert histogram(seen(0), WORDS, 3).shape == (length(WORDS, 3),)
