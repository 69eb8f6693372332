"""A class-activation map: where in the image the evidence for a defect lies."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import keras
import numpy as np


def gradient(head: keras.Model, vectors: np.ndarray) -> np.ndarray:
    """(n, f): how each pooled feature moves the defect evidence of each image.

    The evidence is the logit of the most probable defect type minus that of good. Through one
    hidden relu layer its gradient has a closed form, the same on every backend.
    """
    kernel, bias = head.get_layer("hidden").get_weights()
    out, offset = head.get_layer("logits").get_weights()
    shift, scale = _standardisation(head, vectors.shape[1])
    before = ((vectors - shift) * scale) @ kernel + bias
    types = 1 + (np.maximum(before, 0) @ out + offset)[:, 1:].argmax(1)
    towards = out[:, types].T - out[:, :1].T
    return ((towards * (before > 0)) @ kernel.T * scale).astype(np.float32)


def activation_map(
    maps: Sequence[np.ndarray],
    gradient: np.ndarray,
    pooling: Sequence[str],
    grid: int,
) -> np.ndarray:
    """(grid, grid) float32 in 0..1, from one image's (h, w, c) maps and (f,) gradient.

    Each pixel gets its share of every pooled feature times that feature's gradient: Grad-CAM
    (Selvaraju et al., ICCV 2017, eq. 2), extended to features pooled by their maximum.
    """
    heat = np.zeros((grid, grid), np.float32)
    rest = gradient
    for level in maps:
        for way in pooling:
            weights, rest = rest[: level.shape[-1]], rest[level.shape[-1] :]
            heat += cv2.resize(_share(level, way) @ weights, (grid, grid))
    heat = np.maximum(heat, 0)
    return heat / max(float(heat.max()), 1e-12)


def _share(level: np.ndarray, way: str) -> np.ndarray:
    """(h, w, c): what each pixel gives to the pooled value of its channel; sums to that value."""
    if way == "avg":
        return level / (level.shape[0] * level.shape[1])
    peaks = level == level.max((0, 1))
    return level * peaks / np.maximum(peaks.sum((0, 1)), 1)


def _standardisation(head: keras.Model, features: int) -> tuple[np.ndarray, np.ndarray]:
    """What is taken from every feature, and what it is then multiplied by."""
    layer = next((x for x in head.layers if x.name == "standardise"), None)
    if layer is None:
        return np.zeros(features, np.float32), np.ones(features, np.float32)
    mean, variance = (np.asarray(v).reshape(-1) for v in (layer.mean, layer.variance))
    return mean, 1 / np.maximum(np.sqrt(variance), keras.backend.epsilon())
