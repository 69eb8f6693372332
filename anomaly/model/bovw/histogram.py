"""How often each visual word occurs, in the whole image and in its parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def bins(seen: np.ndarray, words: int, levels: int) -> np.ndarray:
    """(levels, k) int64: the bin in which each of (k,) SEEN patches counts on each level.

    A spatial pyramid (Lazebnik et al., CVPR 2006): the whole image, its 2 x 2 parts, 4 x 4, ...
    """
    out = np.empty((levels, len(seen)), np.int64)
    first = 0
    for level in range(levels):
        side = 2**level
        x, y = (np.clip(seen[axis] * side, 0, side - 1).astype(np.int64) for axis in ("x", "y"))
        out[level] = (first + y * side + x) * words + seen["word"]
        first += side**2
    return out


def length(words: int, levels: int) -> int:
    """How many bins there are."""
    return words * sum(4**level for level in range(levels))


def histogram(seen: np.ndarray, words: int, levels: int) -> np.ndarray:
    """(f,) float32 shares of the patches in each bin; sums to 1, or to 0 where there are none.

    A level counts half as much as the next finer one, and the first as much as the second: what
    is alike in small parts is also alike in the whole.
    """
    weights = 0.5 ** np.minimum(levels - np.arange(levels), levels - 1)
    each = np.repeat(weights / max(len(seen), 1), len(seen))
    counts = np.bincount(bins(seen, words, levels).ravel(), each, length(words, levels))
    return counts.astype(np.float32)


def vectors(seen: Sequence[np.ndarray], words: int, levels: int) -> np.ndarray:
    """(n, f) float32: the square roots of the histograms of n pictures.

    They make distances Hellinger's, and a few patches of a rare word count beside hundreds of a
    common one (Chapelle et al., IEEE Trans. Neural Networks 1999, raise counts to such powers).
    """
    return np.sqrt(np.stack([histogram(own, words, levels) for own in seen]))
