"""The outputs of a frozen network: each is computed once, and cached by the content of its picture."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from anomaly.cache.code import digest
from anomaly.cache.store import Cache, key_of
from anomaly.model.fingerprint import fingerprint
from anomaly.model.pictures import Picture
from anomaly.runtime.prefetch import prefetched
from anomaly.runtime.progress import track

log = logging.getLogger(__name__)
MAKERS = (
    "backbone",
    "model/classifier/network.py",
    "model/features.py",
)  # the code that makes an output
BATCH = 16  # always full: one shape is compiled, and no output depends on the other pictures


class Extractor:
    """A network with one output, and the cache of its outputs, in float32."""

    def __init__(self, network: keras.Model, cache: Cache) -> None:
        self.network = network
        self.cache = cache
        self.name = key_of(
            "features", digest(*MAKERS), fingerprint(network), keras.backend.backend()
        )

    def __call__(self, pictures: Sequence[Picture], label: str = "") -> np.ndarray:
        """(n, ...) float32: the output for each picture; a `label` names log line and progress bar."""
        keys = self._keys(pictures)
        cached = {key: array for key in set(keys) if (array := self.cache.read(key)) is not None}
        missing = {k: p for k, p in zip(keys, pictures, strict=True) if k not in cached}
        outputs = cached | dict(self._compute(missing, label, len(pictures)))
        return np.stack([outputs[key] for key in keys])

    def _keys(self, pictures: Sequence[Picture]) -> list[str]:
        return [key_of(self.name, picture.key) for picture in pictures]

    def _compute(
        self, missing: dict[str, Picture], label: str, total: int
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Each missing key with its output, once that is in the cache."""
        if label:
            log.info("%s: %d pictures, %d not in the cache", label, total, len(missing))
        keys = list(missing)
        chunks = [keys[i : i + BATCH] for i in range(0, len(keys), BATCH)]
        batches = prefetched(lambda chunk: [missing[key].load() for key in chunk], chunks)
        for chunk, images in track(zip(chunks, batches, strict=True), label, len(chunks)):
            for key, output in zip(chunk, self._forward(np.stack(images)), strict=True):
                self.cache.write(key, output)
                yield key, output

    def _forward(self, images: np.ndarray) -> np.ndarray:
        short = BATCH - len(images)
        full = np.concatenate([images, np.repeat(images[-1:], short, axis=0)]) if short else images
        outputs = self.network.predict_on_batch(full.astype(np.float32))
        return np.asarray(outputs)[: len(images)].astype(np.float32)
