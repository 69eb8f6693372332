"""Test-time augmentation: probabilities and heat of an image, averaged over its turned views.

Averaging also centres the heat: a convolution with a stride shifts its output by half a cell, in a
direction that depends on the padding of the backbone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from scipy.special import softmax

from anomaly.cache.store import Cache
from anomaly.model.classifier import network
from anomaly.model.classifier.activation_map import blur, by_level, evidence, gradient
from anomaly.model.features import Extractor
from anomaly.model.localise import heat_maps
from anomaly.model.pictures import Picture, turn_back, views
from anomaly.types import Image

Reference = Sequence[Sequence[np.ndarray]]  # by view and level: the mean (h, w, c) of good images


@dataclass(frozen=True)
class Inference:
    """A trained network at work; its weights must not change any more."""

    features: keras.Model
    head: keras.Model
    levels: Sequence[str]
    pooling: Sequence[str]
    views: int
    cache: Cache

    def __call__(
        self, images: Sequence[Image], grid: int, good: Reference
    ) -> tuple[np.ndarray, np.ndarray]:
        """(n, c) float64 probabilities, and (n, grid, grid) float32 heat in 0..1."""
        self._fill_cache(images, "feature maps")
        proba = np.zeros((len(images), self.head.output_shape[-1]))
        total = np.zeros((len(images), grid, grid), np.float32)
        for view in range(self.views):
            proba_of_view, evidence_of_view = self._predict_view(images, grid, view, good[view])
            proba += proba_of_view / self.views
            total += evidence_of_view
        return proba, heat_maps(np.stack([blur(one) for one in total]), proba)

    def reference(self, images: Sequence[Image]) -> Reference:
        """The mean feature maps of good images."""
        self._fill_cache(images, "feature maps of good parts")
        return [[level.mean(0) for level in self._maps(images, view)] for view in range(self.views)]

    def _predict_view(
        self, images: Sequence[Image], grid: int, view: int, good: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """(n, c) probabilities of one view, and (n, grid, grid) evidence, turned back."""
        maps = self._maps(images, view)
        vectors = network.pool_arrays(maps, self.pooling)
        logits = np.asarray(self.head.predict_on_batch(vectors), np.float64)
        channels = [level.shape[-1] for level in maps]
        slopes = [by_level(g, channels, len(self.pooling)) for g in gradient(self.head, vectors)]
        maps_of_evidence = [
            turn_back(evidence(levels, good, slope, grid), view)
            for slope, *levels in zip(slopes, *maps, strict=True)
        ]
        return softmax(logits, axis=1), np.stack(maps_of_evidence)

    @cached_property
    def _extractors(self) -> list[Extractor]:
        """One per level; built once, since Keras traces every new network again."""
        return [
            Extractor(network.level(self.features, level), self.cache, "float16")
            for level in self.levels
        ]

    def _pictures(self, images: Sequence[Image], view: int) -> list[Picture]:
        return views(images, view, self.features.input_shape[1], self.cache)

    def _fill_cache(self, images: Sequence[Image], label: str) -> None:
        """Compute all missing maps under one progress bar; without a cache they are computed later."""
        if not self.cache.keeps:
            return
        pictures = [p for view in range(self.views) for p in self._pictures(images, view)]
        for extractor in self._extractors:
            extractor.fill(pictures, label)

    def _maps(self, images: Sequence[Image], view: int) -> list[np.ndarray]:
        """One (n, h, w, c) float32 per level."""
        pictures = self._pictures(images, view)
        return [extractor(pictures) for extractor in self._extractors]
