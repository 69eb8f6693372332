"""The last part of the network: from the feature maps of a photo's views to the answer."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from anomaly.model.classifier.activation_map import (
    by_level,
    evidence,
    logits_and_gradient,
    spread,
)
from anomaly.model.classifier.views import Tensor

POOLING = {"avg": ops.mean, "max": ops.max}


def judgement(
    head: keras.Model, good: Sequence[np.ndarray], pooling: Sequence[str], grid: int
) -> keras.Model:
    """{level: (views * n, h, w, c) maps} to `proba` (n, c) and `heat` (n, grid, grid), both 0..1.

    Probabilities are the mean over the views. `good` holds, for each level, the (views, h, w, c)
    mean maps of good images. Weights are constants: `head` must not change any more.
    """
    maps = [keras.Input(level.shape[1:]) for level in good]
    return keras.Model(maps, judge(maps, head, good, pooling, grid), name="judgement")


def judge(
    maps: Sequence[Tensor],
    head: keras.Model,
    good: Sequence[np.ndarray],
    pooling: Sequence[str],
    grid: int,
) -> dict[str, Tensor]:
    """See `judgement`."""
    maps = [ops.cast(level, "float32") for level in maps]  # whatever the precision of the backbone
    views, classes = len(good[0]), head.output_shape[-1]
    pooled = ops.concatenate([POOLING[kind](m, (1, 2)) for m in maps for kind in pooling], -1)
    logits, gradient = logits_and_gradient(head, pooled)
    proba = ops.mean(ops.reshape(ops.softmax(logits), (views, -1, classes)), 0)
    slopes = by_level(gradient, [level.shape[-1] for level in good], len(pooling))
    parts = [evidence(*of_level) for of_level in zip(maps, good, slopes, strict=True)]
    return {"proba": proba, "heat": _heat(sum(spread(part, grid) for part in parts), proba)}


def _heat(evidence: Tensor, proba: Tensor) -> Tensor:
    """As `anomaly.model.answers.localise.heat_maps`, which is for arrays."""
    positive = ops.relu(evidence)
    peaks = ops.maximum(ops.max(positive, (1, 2), keepdims=True), 1e-12)
    return positive / peaks * ops.reshape(1 - proba[:, 0], (-1, 1, 1))
