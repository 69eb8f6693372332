"""A class-activation map: where in the image the evidence for a defect lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import keras
import numpy as np

BLUR = 1 / 40  # of the side: evidence comes in specks, a defect is whole


def gradient(head: keras.Model, vectors: np.ndarray) -> np.ndarray:
    """(n, f): how each pooled feature moves the defect evidence of each image.

    The evidence is the logit of the most probable defect type minus that of good. Whatever lies
    between features and logits, its gradient has a closed form, the same on every backend.
    """
    out, offset = head.get_layer("logits").get_weights()
    shift, scale = _standardisation(head, vectors.shape[1])
    hidden, back = _hidden(head, (vectors - shift) * scale)
    types = 1 + (hidden @ out + offset)[:, 1:].argmax(1)
    towards = out[:, types].T - out[:, :1].T
    return (back(towards) * scale).astype(np.float32)


def _hidden(head: keras.Model, x: np.ndarray) -> tuple[np.ndarray, Callable]:
    """(n, u) what the logits are made of, and the way back of an (n, u) gradient to (n, f)."""
    inside = {layer.name: layer for layer in head.layers}
    if "hidden" in inside:
        kernel, bias = inside["hidden"].get_weights()
        before = x @ kernel + bias
        return np.maximum(before, 0), lambda g: (g * (before > 0)) @ kernel.T
    if "support" in inside:
        kernel, bias = inside["support"].get_weights()
        gamma = -float(inside["length"].scale)
        near = np.exp(x @ kernel + bias - gamma * (x**2).sum(1, keepdims=True))
        return near, lambda g: (g * near) @ kernel.T - 2 * gamma * x * (g * near).sum(1)[:, None]
    return x, lambda g: g


def evidence(
    maps: Sequence[np.ndarray],
    good: Sequence[np.ndarray],
    slopes: Sequence[np.ndarray],
    grid: int,
) -> np.ndarray:
    """(grid, grid) float32: each pixel's part in what sets an image apart from good ones.

    One entry per level: an image's (h, w, c) map, the mean map of good images, and the (c,)
    gradient of the evidence. A Grad-CAM (Selvaraju et al., ICCV 2017, eq. 2) of the difference
    from a reference, as in DeepLIFT (Shrikumar et al., ICML 2017): where parts are aligned, the
    rim and the table, which look alike in all images, drop out.
    """
    found = np.zeros((grid, grid), np.float32)
    for level, reference, slope in zip(maps, good, slopes, strict=True):
        found += cv2.resize((level - reference) @ slope, (grid, grid))
    return found


def heat(evidence: np.ndarray) -> np.ndarray:
    """(h, w) evidence, blurred, without what speaks for good, scaled to at most 1."""
    warm = np.maximum(cv2.GaussianBlur(evidence, (0, 0), BLUR * len(evidence)), 0)
    return warm / max(float(warm.max()), 1e-12)


def by_level(gradient: np.ndarray, channels: Sequence[int], ways: int) -> list[np.ndarray]:
    """The (f,) gradient cut into one (c,) per level, summed over the ways of pooling."""
    ends = np.cumsum([ways * c for c in channels])
    parts = np.split(gradient, ends[:-1])
    return [part.reshape(ways, -1).sum(0) for part in parts]


def _standardisation(head: keras.Model, features: int) -> tuple[np.ndarray, np.ndarray]:
    """What is taken from every feature, and what it is then multiplied by."""
    layer = next((x for x in head.layers if x.name == "standardise"), None)
    if layer is None:
        return np.zeros(features, np.float32), np.ones(features, np.float32)
    mean, variance = (np.asarray(v).reshape(-1) for v in (layer.mean, layer.variance))
    return mean, 1 / np.maximum(np.sqrt(variance), keras.backend.epsilon())
