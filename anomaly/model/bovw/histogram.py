"""How often each visual word occurs, in the whole image and in its parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def bins(words: np.ndarray, vocabulary_size: int, levels: int) -> np.ndarray:
    """(levels, k) int64: the bin in which each of (k,) WORD counts, on each level.

    A spatial pyramid (Lazebnik et al., CVPR 2006): the whole image, its 2 x 2 parts, 4 x 4, ...
    """
    out = np.empty((levels, len(words)), np.int64)
    first = 0
    for level in range(levels):
        side = 2**level
        x, y = (np.clip(words[axis] * side, 0, side - 1).astype(np.int64) for axis in ("x", "y"))
        out[level] = (first + y * side + x) * vocabulary_size + words["word"]
        first += side**2
    return out


def bin_count(vocabulary_size: int, levels: int) -> int:
    """The number of bins of all levels, which is the length of a histogram."""
    return vocabulary_size * sum(4**level for level in range(levels))


def histogram(words: np.ndarray, vocabulary_size: int, levels: int) -> np.ndarray:
    """(f,) float32: the share of the patches in each bin; sums to 1, or to 0 without patches.

    A level counts half as much as the next finer one, and the first as much as the second, since
    images that agree in small parts also agree as a whole.
    """
    weights = 0.5 ** np.minimum(levels - np.arange(levels), levels - 1)
    shares = np.repeat(weights / max(len(words), 1), len(words))
    places = bins(words, vocabulary_size, levels).ravel()
    counts = np.bincount(places, shares, bin_count(vocabulary_size, levels))
    return counts.astype(np.float32)


def vectors(pictures: Sequence[np.ndarray], vocabulary_size: int, levels: int) -> np.ndarray:
    """(n, f) float32: the square roots of the histograms of n pictures, each (k,) WORD.

    With them Euclidean distances are Hellinger distances, and a few patches of a rare word are not
    lost among hundreds of a common one (Chapelle et al., IEEE Trans. Neural Networks 1999, raise
    counts to such powers).
    """
    return np.sqrt(np.stack([histogram(words, vocabulary_size, levels) for words in pictures]))
