"""Words and their histograms: laws that hold for any patches."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.errors import InputError
from anomaly.model.bovw.encoder import WORD
from anomaly.model.bovw.histogram import bin_count, bins, histogram, vectors
from anomaly.model.bovw.vocabulary import Vocabulary, learn, normalised

WORDS = 7
RANDOM = np.random.default_rng(0)
SIFT = RANDOM.integers(0, 256, (200, 128)).astype(np.uint8)


def random_words(count: int = 50) -> np.ndarray:
    out = np.zeros(count, WORD)
    out["x"], out["y"] = RANDOM.random((2, count))
    out["side"], out["word"] = 0.1, RANDOM.integers(0, WORDS, count)
    return out


def test_rootsift_has_length_1_and_its_products_are_hellingers():
    result = normalised(SIFT, root=True)
    shares = SIFT / SIFT.sum(1, keepdims=True, dtype=np.float64)
    assert np.allclose(np.linalg.norm(result, axis=1), 1, atol=1e-6)
    hellinger = np.sqrt(shares[:, None] * shares[None]).sum(-1)
    assert np.allclose(result @ result.T, hellinger, atol=1e-5)


def test_without_the_root_descriptors_keep_their_direction():
    result = normalised(SIFT, root=False)
    assert np.allclose(np.linalg.norm(result, axis=1), 1, atol=1e-6)
    lengths = np.linalg.norm(SIFT.astype(float), axis=1, keepdims=True)
    assert np.allclose(result * lengths, SIFT, atol=1e-2)


@pytest.mark.parametrize("root", [False, True])
def test_the_descriptor_of_a_flat_patch_stays_0(root):
    assert not normalised(np.zeros((2, 128), np.uint8), root).any()


@pytest.mark.parametrize("root", [False, True])
def test_the_nearest_word_has_the_smallest_euclidean_distance(root):
    vocabulary = Vocabulary(learn(SIFT, WORDS, root, seed=0), root)
    difference = normalised(SIFT, root)[:, None] - vocabulary.words[None]
    assert np.array_equal(vocabulary.nearest(SIFT), (difference**2).sum(-1).argmin(1))
    assert vocabulary.nearest(SIFT[:0]).shape == (0,)


def test_the_same_seed_learns_the_same_words_and_the_name_depends_on_them():
    one, again = (Vocabulary(learn(SIFT, WORDS, True, seed=3), True) for _ in range(2))
    assert np.array_equal(one.words, again.words)
    assert one.name == again.name != Vocabulary(one.words, False).name


def test_fewer_descriptors_than_words_are_refused():
    with pytest.raises(InputError, match=r"gives 3 SIFT descriptors, fewer than model\.words=7"):
        learn(SIFT[:3], WORDS, True, seed=0)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_a_histogram_sums_to_1_and_its_root_has_length_1(levels):
    result = histogram(random_words(), WORDS, levels)
    assert result.shape == (bin_count(WORDS, levels),)
    assert result.sum() == pytest.approx(1)
    assert np.linalg.norm(vectors([random_words()], WORDS, levels)) == pytest.approx(1)


def test_the_order_of_the_patches_does_not_matter():
    words = random_words()
    assert np.allclose(histogram(words[::-1], WORDS, 3), histogram(words, WORDS, 3))


def test_on_every_level_the_parts_of_the_image_sum_to_the_whole():
    words = random_words()
    result = histogram(words, WORDS, 3)
    whole = np.bincount(words["word"], minlength=WORDS) / len(words)
    for level, weight in enumerate((1 / 4, 1 / 4, 1 / 2)):  # Lazebnik et al., equation 3
        first, last = bin_count(WORDS, level), bin_count(WORDS, level + 1)
        parts = result[first:last].reshape(4**level, WORDS)
        assert np.allclose(parts.sum(0), weight * whole)


def test_a_patch_counts_in_the_part_of_the_image_that_it_lies_in():
    words = np.zeros(1, WORD)
    words["x"], words["y"], words["word"] = 0.9, 0.3, 2
    part = 1 * 4 + 3  # of 4 x 4: second row, fourth column
    assert bins(words, WORDS, 3).ravel().tolist() == [
        2,
        (1 + 1) * WORDS + 2,
        (1 + 4 + part) * WORDS + 2,
    ]
    words["x"], words["y"] = 1.001, -0.001  # keypoints may lie on the very edge
    assert bins(words, WORDS, 2).ravel().tolist() == [2, (1 + 1) * WORDS + 2]


def test_an_image_without_patches_has_an_empty_histogram():
    assert not histogram(random_words(0), WORDS, 3).any()
    assert histogram(random_words(0), WORDS, 3).shape == (bin_count(WORDS, 3),)
