"""Visual words (Csurka et al., ECCV workshop 2004): the centres of k-means over descriptors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from anomaly.cache.store import key_of
from anomaly.errors import InputError

PER_WORD = 200  # descriptors that k-means sees for each word, at most
BATCH = 4096


@dataclass(frozen=True)
class Vocabulary:
    """(w, 128) float32 words; `root` says in which space they lie."""

    words: np.ndarray
    root: bool

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def name(self) -> str:
        """Names all that the words of a picture depend on besides its patches."""
        return key_of("vocabulary", self.root, self.words.tobytes().hex())

    def nearest(self, sift: np.ndarray) -> np.ndarray:
        """(k,) int64: the word nearest to each of (k, 128) uint8 descriptors."""
        across = normalised(sift, self.root) @ self.words.T
        return (across - (self.words**2).sum(1) / 2).argmax(1)


def learn(sift: np.ndarray, words: int, root: bool, seed: int) -> np.ndarray:
    """(words, 128) float32 centres of (n, 128) uint8 descriptors.

    Mini-batch k-means (Sculley, WWW 2010): seconds instead of minutes, and repeatable on any
    number of cores, where the sums of plain k-means depend on which core is done first.

    Raises:
        InputError: there are fewer descriptors than words.
    """
    if len(sift) < words:
        raise InputError(
            f"the train part gives {len(sift)} SIFT descriptors, fewer than model.words={words}:"
            " lower model.words, or look everywhere with model.sampling=dense and a small model.step"
        )
    means = MiniBatchKMeans(words, batch_size=BATCH, n_init=1, random_state=seed)
    return means.fit(normalised(sift, root)).cluster_centers_.astype(np.float32)


def normalised(sift: np.ndarray, root: bool) -> np.ndarray:
    """(n, 128) float32 of length 1, a descriptor of nothing stays 0.

    With `root` by RootSIFT (Arandjelovic & Zisserman, CVPR 2012): the square root of the share
    of each number, so that distances are Hellinger's and no single strong edge rules them.
    """
    numbers = sift.astype(np.float32)
    if root:
        return np.sqrt(numbers / np.maximum(numbers.sum(1, keepdims=True), 1))
    return numbers / np.maximum(np.linalg.norm(numbers, axis=1, keepdims=True), 1)
