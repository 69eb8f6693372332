"""What a frozen network makes of pictures; each is computed once and remembered by content."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import keras
import numpy as np

from anomaly.data.cache import Cache, key_of
from anomaly.model.network import fingerprint
from anomaly.model.pictures import Picture
from anomaly.progress import track

log = logging.getLogger(__name__)
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
        self.name = key_of("features", fingerprint(network), keras.backend.backend(), dtype)

    def __call__(self, pictures: Sequence[Picture], label: str = "features") -> np.ndarray:
        """(n, ...) float32: the network's output for each picture; `label` names the bar."""
        keys = [key_of(self.name, picture.key) for picture in pictures]
        known = {key: array for key in set(keys) if (array := self.cache.read(key)) is not None}
        missing = {k: p for k, p in zip(keys, pictures, strict=True) if k not in known}
        log.info("%s: %d pictures, %d not in the cache", label, len(pictures), len(missing))
        known |= self._compute(missing, label)
        return np.stack([known[key] for key in keys]).astype(np.float32)

    def _compute(self, missing: dict[str, Picture], label: str) -> dict[str, np.ndarray]:
        keys = list(missing)
        chunks = [keys[i : i + BATCH] for i in range(0, len(keys), BATCH)]
        made: dict[str, np.ndarray] = {}
        batches = _ahead(lambda chunk: [missing[key].load() for key in chunk], chunks)
        for chunk, images in track(zip(chunks, batches, strict=True), label, len(chunks)):
            outputs = self._forward(np.stack(images))
            made |= dict(zip(chunk, outputs, strict=True))
            for key, output in zip(chunk, outputs, strict=True):
                self.cache.write(key, output)
        return made

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
