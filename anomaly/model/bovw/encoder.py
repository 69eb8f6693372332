"""From pictures to patches to visual words; both are computed once and cached by content."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from anomaly.cache.store import Cache, key_of
from anomaly.model.bovw.descriptors import NUMBERS, PLACE, Sampling, describe
from anomaly.model.bovw.vocabulary import PER_WORD, Vocabulary, learn
from anomaly.model.pictures import Picture
from anomaly.runtime.cores import each

log = logging.getLogger(__name__)
WORD = np.dtype([*PLACE, ("word", np.uint32)])  # a patch whose descriptor is replaced by its word


class Encoder:
    """Describes pictures by patches, learns a vocabulary of them, and encodes patches as words."""

    def __init__(self, sampling: Sampling, cache: Cache) -> None:
        self.sampling = sampling
        self.cache = cache

    def vocabulary(
        self, pictures: Sequence[Picture], words: int, root: bool, seed: int
    ) -> Vocabulary:
        """The words of the pictures, learned from the same number of patches of each.

        Raises:
            InputError: the pictures have fewer patches than words.
        """
        depends_on = (words, PER_WORD, root, seed, *(picture.key for picture in pictures))
        per_picture = -(-words * PER_WORD // len(pictures))
        centres = self.cache.get(
            key_of("vocabulary", self.sampling.name, *depends_on),
            lambda: learn(self._sample(pictures, per_picture, seed), words, root, seed),
        )
        return Vocabulary(centres, root)

    def __call__(
        self, pictures: Sequence[Picture], vocabulary: Vocabulary, label: str
    ) -> list[np.ndarray]:
        """One (k,) WORD array for each picture."""

        def encode(index: int) -> np.ndarray:
            return self.cache.get(keys[index], lambda: self._encode(pictures[index], vocabulary))

        keys = [key_of(self.sampling.name, vocabulary.name, picture.key) for picture in pictures]
        return each(encode, range(len(keys)), self._announced(label, keys))

    def _sample(self, pictures: Sequence[Picture], per_picture: int, seed: int) -> np.ndarray:
        """(n, 128) uint8: at most `per_picture` random descriptors of every picture."""

        def sample(index: int) -> np.ndarray:
            sift = self._patches(pictures[index])["sift"]
            order = np.random.default_rng((seed, index)).permutation(len(sift))
            return sift[order[:per_picture]]

        keys = [self._key(picture) for picture in pictures]
        samples = each(sample, range(len(keys)), self._announced("train descriptors", keys))
        return np.concatenate([np.zeros((0, NUMBERS), np.uint8), *samples])

    def _announced(self, label: str, keys: Sequence[str]) -> str:
        """Logs what is missing; returns the label of the progress bar, empty if nothing is."""
        missing = sum(key not in self.cache for key in keys)
        log.info("%s: %d pictures, %d not in the cache", label, len(keys), missing)
        return label if missing else ""

    def _encode(self, picture: Picture, vocabulary: Vocabulary) -> np.ndarray:
        patches = self._patches(picture)
        words = np.zeros(len(patches), WORD)
        for name, _ in PLACE:
            words[name] = patches[name]
        words["word"] = vocabulary.nearest(patches["sift"])
        return words

    def _patches(self, picture: Picture) -> np.ndarray:
        return self.cache.get(self._key(picture), lambda: describe(picture.load(), self.sampling))

    def _key(self, picture: Picture) -> str:
        return key_of(self.sampling.name, picture.key)
