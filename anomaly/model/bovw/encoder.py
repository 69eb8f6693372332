"""Reads pictures: from pixels to patches to visual words, each made once and kept by content."""

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
SEEN = np.dtype([*PLACE, ("word", np.uint32)])  # a patch that has been read


class Reader:
    """Sees pictures as patches, then as words."""

    def __init__(self, sampling: Sampling, cache: Cache) -> None:
        self.sampling = sampling
        self.cache = cache

    def vocabulary(
        self, pictures: Sequence[Picture], words: int, root: bool, seed: int
    ) -> Vocabulary:
        """The words of the pictures, learned from as many patches of each.

        Raises:
            InputError: the pictures have fewer patches than words.
        """
        own = (words, PER_WORD, root, seed, *(picture.key for picture in pictures))
        share = -(-words * PER_WORD // len(pictures))
        centres = self.cache.get(
            key_of("vocabulary", self.sampling.name, *own),
            lambda: learn(self._draw(pictures, share, seed), words, root, seed),
        )
        return Vocabulary(centres, root)

    def __call__(
        self, pictures: Sequence[Picture], vocabulary: Vocabulary, label: str
    ) -> list[np.ndarray]:
        """One (k,) SEEN for each picture."""

        def read(index: int) -> np.ndarray:
            return self.cache.get(keys[index], lambda: self._read(pictures[index], vocabulary))

        keys = [key_of(self.sampling.name, vocabulary.name, picture.key) for picture in pictures]
        return each(read, range(len(keys)), self._announced(label, keys))

    def _draw(self, pictures: Sequence[Picture], share: int, seed: int) -> np.ndarray:
        """(n, 128) uint8: at most `share` random descriptors of every picture."""

        def draw(index: int) -> np.ndarray:
            sift = self._patches(pictures[index])["sift"]
            order = np.random.default_rng((seed, index)).permutation(len(sift))
            return sift[order[:share]]

        keys = [self._key(picture) for picture in pictures]
        drawn = each(draw, range(len(keys)), self._announced("train descriptors", keys))
        return np.concatenate([np.zeros((0, NUMBERS), np.uint8), *drawn])

    def _announced(self, label: str, keys: Sequence[str]) -> str:
        """The label of the bar; none where all is there and only has to be read."""
        missing = sum(key not in self.cache for key in keys)
        log.info("%s: %d pictures, %d not in the cache", label, len(keys), missing)
        return label if missing else ""

    def _read(self, picture: Picture, vocabulary: Vocabulary) -> np.ndarray:
        patches = self._patches(picture)
        seen = np.zeros(len(patches), SEEN)
        for name, _ in PLACE:
            seen[name] = patches[name]
        seen["word"] = vocabulary.nearest(patches["sift"])
        return seen

    def _patches(self, picture: Picture) -> np.ndarray:
        return self.cache.get(self._key(picture), lambda: describe(picture.load(), self.sampling))

    def _key(self, picture: Picture) -> str:
        return key_of(self.sampling.name, picture.key)
