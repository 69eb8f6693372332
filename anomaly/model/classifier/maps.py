"""The feature maps of photos: the views of one photo are one batch, so no photo depends on another."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from anomaly.cache.code import digest
from anomaly.cache.store import Cache, key_of
from anomaly.data.images import load_image
from anomaly.model.classifier import network
from anomaly.model.features import MAKERS as OF_FEATURES
from anomaly.model.fingerprint import fingerprint
from anomaly.model.pictures import MAKERS as OF_PICTURES
from anomaly.model.pictures import turn
from anomaly.runtime.prefetch import prefetched
from anomaly.runtime.progress import track
from anomaly.types import Image

log = logging.getLogger(__name__)
MAKERS = (*OF_FEATURES, *OF_PICTURES, "model/classifier/maps.py")  # the code that makes a map

Levels = list[np.ndarray]  # one (views, h, w, c) float32 for each level of the backbone


class Maps:
    """The frozen part of a trained network, and the cache of what it gives."""

    def __init__(
        self, features: keras.Model, levels: Sequence[str], views: int, cache: Cache
    ) -> None:
        self.network = network.levels(features, levels)
        self.levels, self.views, self.cache = levels, views, cache
        self.size = features.input_shape[1]
        self.name = key_of(
            "maps", digest(*MAKERS), fingerprint(self.network), keras.backend.backend(), views
        )

    def __call__(self, images: Sequence[Image], label: str = "") -> Iterator[Levels]:
        """The maps of each image in turn; a `label` names log line and progress bar."""
        if label:
            missing = sum(any(key not in self.cache for key in self._keys(i)) for i in images)
            log.info("%s: %d photos, %d not in the cache", label, len(images), missing)
        ready = zip(images, prefetched(self._ready, images), strict=True)
        for image, (cached, pixels) in track(ready, label, len(images)):
            yield cached or self._computed(image, pixels)

    def _ready(self, image: Image) -> tuple[Levels | None, np.ndarray]:
        """The cached maps of an image, or else the pixels to compute them from."""
        cached = [self.cache.read(key) for key in self._keys(image)]
        if all(level is not None for level in cached):
            return [level for level in cached if level is not None], np.empty(0)
        upright = load_image(image, self.size, self.cache)
        return None, np.stack([turn(upright, view) for view in range(self.views)])

    def _computed(self, image: Image, pixels: np.ndarray) -> Levels:
        outputs = self.network.predict_on_batch(pixels)  # uint8: Keras casts, a quarter is copied
        maps = [np.asarray(outputs[name]).astype(np.float32) for name in self.levels]
        for key, level in zip(self._keys(image), maps, strict=True):
            self.cache.write(key, level)
        return maps

    def _keys(self, image: Image) -> list[str]:
        return [key_of(self.name, image.content, level) for level in self.levels]
