"""What a frozen network makes of pictures; each is computed once and remembered by content."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import keras
import numpy as np

from anomaly.cache.code import digest
from anomaly.cache.store import Cache, key_of
from anomaly.model.fingerprint import fingerprint
from anomaly.model.pictures import Picture
from anomaly.runtime.progress import track

log = logging.getLogger(__name__)
MAKERS = (
    "backbone",
    "model/classifier/network.py",
    "model/features.py",
)  # the code that makes an output
BATCH = 16  # always full: one shape compiles once, and an image's result ignores its neighbours

AHEAD = 4  # batches loaded before they are needed


class Extractor:
    """A network with one output, and the cache of its outputs.

    Results are kept as `dtype`; also a fresh one is returned as it will be read back, so that
    a run on a warm cache repeats a run on a cold one.
    """

    def __init__(self, network: keras.Model, cache: Cache, dtype: str = "float32") -> None:
        self.network = network
        self.cache = cache
        self.dtype = dtype
        self.name = key_of(
            "features", digest(*MAKERS), fingerprint(network), keras.backend.backend(), dtype
        )

    def __call__(self, pictures: Sequence[Picture], label: str = "") -> np.ndarray:
        """(n, ...) float32: the network's output for each picture; a `label` names it aloud."""
        keys = self._keys(pictures)
        known = {key: array for key in set(keys) if (array := self.cache.read(key)) is not None}
        missing = {k: p for k, p in zip(keys, pictures, strict=True) if k not in known}
        known |= self._compute(missing, label, len(pictures))
        return np.stack([known[key] for key in keys]).astype(np.float32)

    def fill(self, pictures: Sequence[Picture], label: str) -> None:
        """Compute what the cache lacks, without holding it all in memory."""
        keys = self._keys(pictures)
        missing = {k: p for k, p in zip(keys, pictures, strict=True) if k not in self.cache}
        for _ in self._compute(missing, label, len(pictures)):
            pass

    def _keys(self, pictures: Sequence[Picture]) -> list[str]:
        return [key_of(self.name, picture.key) for picture in pictures]

    def _compute(
        self, missing: dict[str, Picture], label: str, among: int
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Each missing output with its key, once it is in the cache."""
        if label:
            log.info("%s: %d pictures, %d not in the cache", label, among, len(missing))
        keys = list(missing)
        chunks = [keys[i : i + BATCH] for i in range(0, len(keys), BATCH)]
        batches = _ahead(lambda chunk: [missing[key].load() for key in chunk], chunks)
        for chunk, images in track(zip(chunks, batches, strict=True), label, len(chunks)):
            for key, output in zip(chunk, self._forward(np.stack(images)), strict=True):
                self.cache.write(key, output)
                yield key, output

    def _forward(self, images: np.ndarray) -> np.ndarray:
        short = BATCH - len(images)
        full = np.concatenate([images, np.repeat(images[-1:], short, axis=0)]) if short else images
        outputs = self.network.predict_on_batch(full.astype(np.float32))
        return np.asarray(outputs)[: len(images)].astype(self.dtype)


def _ahead(load: Callable[[list[str]], list[np.ndarray]], chunks: list[list[str]]) -> Iterator:
    """Batches of images, loaded a few ahead of their use: never all in memory."""
    with ThreadPoolExecutor() as pool:
        waiting: deque[Future] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(load, chunk))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
