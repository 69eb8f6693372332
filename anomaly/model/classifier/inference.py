"""A trained classifier at work: the answers of its network for photos, one at a time.

The network is run in two halves, so that the maps of the first can be kept: photo to maps (`Maps`),
and maps to answer (`judgement`). An export joins the same two (`Inference.graph`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import keras
import numpy as np

from anomaly.model.answers.localise import answer
from anomaly.model.classifier.judgement import judgement
from anomaly.model.classifier.maps import Levels, Maps
from anomaly.model.classifier.views import view_of
from anomaly.types import Image

Reference = Sequence[np.ndarray]  # for each level: the (views, h, w, c) mean maps of good images


class Inference:
    """A trained network at work; its weights must not change any more."""

    def __init__(
        self, maps: Maps, head: keras.Model, pooling: Sequence[str], good: Reference
    ) -> None:
        self.maps, self.head, self.good = maps, head, good
        self.judgement = lru_cache(1)(lambda grid: judgement(head, good, pooling, grid))

    def __call__(self, images: Sequence[Image], grid: int) -> tuple[np.ndarray, np.ndarray]:
        """(n, c) float64 probabilities, and (n, grid, grid) float32 heat in 0..1."""
        proba = np.zeros((len(images), self.head.output_shape[-1]))
        heat = np.zeros((len(images), grid, grid), np.float32)
        for place, maps in enumerate(self.maps(images, "feature maps")):
            outputs = self.judgement(grid).predict_on_batch(maps)
            proba[place], heat[place] = answer(outputs)
        return proba, heat

    def graph(self, grid: int) -> keras.Model:
        """(n, s, s, 3) uint8 RGB photos to what `judgement` gives: all that was learned, in one."""
        photos = keras.Input((self.maps.size, self.maps.size, 3), dtype="uint8", name="photos")
        by_view = [self.maps.network(view_of(photos, view)) for view in range(self.maps.views)]
        maps = [
            keras.ops.concatenate([of_view[n] for of_view in by_view]) for n in self.maps.levels
        ]
        return keras.Model(photos, self.judgement(grid)(maps))


def reference(maps: Maps, images: Sequence[Image]) -> Reference:
    """The mean feature maps of good images."""
    sums: Levels = []
    for of_image in maps(images, "feature maps of good parts"):
        sums = [a + b for a, b in zip(sums, of_image, strict=True)] if sums else of_image
    return [level / np.float32(len(images)) for level in sums]
