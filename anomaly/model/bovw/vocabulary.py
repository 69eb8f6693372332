"""Visual words (Csurka et al., ECCV workshop 2004): the centres of k-means over descriptors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from anomaly.cache.store import key_of
from anomaly.errors import InputError

PER_WORD = 200  # descriptors given to k-means for each word, at most
BATCH = 4096


@dataclass(frozen=True)
class Vocabulary:
    """(w, 128) float32 words; with `root` they are centres of RootSIFT descriptors."""

    words: np.ndarray
    root: bool

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def name(self) -> str:
        """A name for everything that the words of a picture depend on besides its patches."""
        return key_of("vocabulary", self.root, self.words.tobytes().hex())

    def nearest(self, sift: np.ndarray) -> np.ndarray:
        """(k,) int64: the nearest word to each of (k, 128) uint8 descriptors."""
        products = normalised(sift, self.root) @ self.words.T
        return (products - (self.words**2).sum(1) / 2).argmax(1)


def learn(sift: np.ndarray, words: int, root: bool, seed: int) -> np.ndarray:
    """(words, 128) float32 centres of (n, 128) uint8 descriptors.

    Mini-batch k-means (Sculley, WWW 2010) takes seconds instead of minutes. It gives the same
    result on any number of cores; plain k-means sums in the order in which its threads finish.

    Raises:
        InputError: there are fewer descriptors than words.
    """
    if len(sift) < words:
        raise InputError(
            f"the train split gives {len(sift)} SIFT descriptors, fewer than model.words={words}:"
            " lower model.words, or use model.sampling=dense with a small model.step"
        )
    from sklearn.cluster import MiniBatchKMeans  # what is only judged needs none

    means = MiniBatchKMeans(words, batch_size=BATCH, n_init=1, random_state=seed)
    return means.fit(normalised(sift, root)).cluster_centers_.astype(np.float32)


def normalised(sift: np.ndarray, root: bool) -> np.ndarray:
    """(n, 128) float32 of length 1; the descriptor of a flat patch stays 0.

    With `root` this is RootSIFT (Arandjelovic & Zisserman, CVPR 2012): the square root of each
    number's share. Distances become Hellinger distances, which a single strong edge cannot dominate.
    """
    numbers = sift.astype(np.float32)
    if root:
        return np.sqrt(numbers / np.maximum(numbers.sum(1, keepdims=True), 1))
    return numbers / np.maximum(np.linalg.norm(numbers, axis=1, keepdims=True), 1)
