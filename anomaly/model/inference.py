"""Test-time augmentation: probabilities and heat of an image, averaged over turned views of it.

The mean over the turns also centres the heat: convolutions with a stride look half a cell to one
side, and to which side depends on the backbone's padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from anomaly.data.cache import Cache
from anomaly.model import network
from anomaly.model.activation_map import by_level, evidence, gradient, heat
from anomaly.model.features import Extractor
from anomaly.model.pictures import turn_back, views
from anomaly.types import Sample, Split

Reference = Sequence[Sequence[np.ndarray]]  # by view and level: the mean (h, w, c) of good images


@dataclass(frozen=True)
class Inference:
    """What a trained classifier's parts say of images."""

    features: keras.Model
    head: keras.Model
    levels: Sequence[str]
    pooling: Sequence[str]
    views: int
    cache: Cache

    def __call__(self, split: Split, good: Reference) -> tuple[np.ndarray, np.ndarray]:
        """(n, c) float64 probabilities, and (n, grid, grid) float32 heat in 0..1.

        Heat is the activation map times the probability of a defect.
        """
        seen = [self._see(split, view, good[view]) for view in range(self.views)]
        probas, found = zip(*seen, strict=True)
        proba = np.mean(probas, axis=0)
        defective = (1 - proba[:, 0]).astype(np.float32)
        maps = [heat(e) * p for e, p in zip(np.mean(found, axis=0), defective, strict=True)]
        return proba, np.stack(maps)

    def reference(self, samples: Sequence[Sample]) -> Reference:
        """What good images look like to the backbone."""
        return [
            [level.mean(0) for level in self._maps(samples, view, f"good maps {view}")]
            for view in range(self.views)
        ]

    def _see(
        self, split: Split, view: int, good: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """One view's (n, c) probabilities, and (n, grid, grid) evidence turned back."""
        maps = self._maps(split.samples, view, f"{split.name} maps {view}")
        vectors = network.pooled(maps, self.pooling)
        proba = softmax(np.asarray(self.head.predict_on_batch(vectors)))
        channels = [level.shape[-1] for level in maps]
        slopes = [by_level(g, channels, len(self.pooling)) for g in gradient(self.head, vectors)]
        found = [
            turn_back(evidence(levels, good, slope, split.grid), view)
            for slope, *levels in zip(slopes, *maps, strict=True)
        ]
        return proba, np.stack(found)

    def _maps(self, samples: Sequence[Sample], view: int, label: str) -> list[np.ndarray]:
        """One (n, h, w, c) float32 per level."""
        pictures = views(samples, view, self.features.input_shape[1], self.cache)
        return [
            Extractor(network.level(self.features, level), self.cache, "float16")(pictures, label)
            for level in self.levels
        ]


def softmax(logits: np.ndarray) -> np.ndarray:
    """(n, c) float64 probabilities of (n, c) logits."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)
