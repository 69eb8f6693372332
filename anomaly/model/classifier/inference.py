"""Test-time augmentation: probabilities and heat of a photo, averaged over its turned views.

Averaging also centres the heat: a convolution with a stride shifts its output by half a cell, in a
direction that depends on the padding of the backbone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from scipy.special import softmax

from anomaly.model.classifier import network
from anomaly.model.classifier.activation_map import blur, by_level, evidence, gradient
from anomaly.model.classifier.maps import Levels, Maps
from anomaly.model.localise import heat_maps
from anomaly.model.pictures import turn_back
from anomaly.types import Image

Reference = Sequence[Sequence[np.ndarray]]  # by view and level: the mean (h, w, c) of good images


@dataclass(frozen=True)
class Inference:
    """A trained network at work; its weights must not change any more."""

    maps: Maps
    head: keras.Model
    pooling: Sequence[str]

    def __call__(
        self, images: Sequence[Image], grid: int, good: Reference
    ) -> tuple[np.ndarray, np.ndarray]:
        """(n, c) float64 probabilities, and (n, grid, grid) float32 heat in 0..1."""
        proba = np.zeros((len(images), self.head.output_shape[-1]))
        heat = np.zeros((len(images), grid, grid), np.float32)
        for place, maps in enumerate(self.maps(images, "feature maps")):
            proba[place], total = self._judge(maps, grid, good)
            heat[place] = heat_maps(total[None], proba[place][None])[0]
        return proba, heat

    def reference(self, images: Sequence[Image]) -> Reference:
        """The mean feature maps of good images."""
        sums: Levels = []
        for maps in self.maps(images, "feature maps of good parts"):
            sums = [a + b for a, b in zip(sums, maps, strict=True)] if sums else maps
        means = [level / np.float32(len(images)) for level in sums]
        return [list(levels) for levels in zip(*means, strict=True)]

    def _judge(self, maps: Levels, grid: int, good: Reference) -> tuple[np.ndarray, np.ndarray]:
        """(c,) probabilities of one photo, and its (grid, grid) evidence."""
        vectors = network.pool_arrays(maps, self.pooling)
        logits = np.asarray(self.head.predict_on_batch(vectors), np.float64)
        channels = [level.shape[-1] for level in maps]
        total = np.zeros((grid, grid), np.float32)
        for view, slope in enumerate(gradient(self.head, vectors)):
            slopes = by_level(slope, channels, len(self.pooling))
            of_view = evidence([level[view] for level in maps], good[view], slopes, grid)
            total += turn_back(of_view, view)
        return softmax(logits, axis=1).mean(0), blur(total)
