"""A class activation map: where in the image the evidence for a defect lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import keras
import numpy as np

BLUR = 1 / 40  # standard deviation in sides: evidence comes in specks, a defect is in one piece


def gradient(head: keras.Model, vectors: np.ndarray) -> np.ndarray:
    """(n, f): the gradient of each image's defect evidence by its pooled features.

    The evidence is the logit of the most probable defect type minus that of good. For each kind of
    head its gradient has a closed form, the same on every backend.
    """
    kernel, bias = head.get_layer("logits").get_weights()
    shift, scale = _standardisation(head, vectors.shape[1])
    hidden, backward = _hidden(head, (vectors - shift) * scale)
    types = 1 + (hidden @ kernel + bias)[:, 1:].argmax(1)
    output_gradient = kernel[:, types].T - kernel[:, :1].T
    return (backward(output_gradient) * scale).astype(np.float32)


def _hidden(head: keras.Model, x: np.ndarray) -> tuple[np.ndarray, Callable]:
    """(n, u) inputs of the logits, and the function from their gradient to that of (n, f) x."""
    layers = {layer.name: layer for layer in head.layers}
    if "hidden" in layers:
        kernel, bias = layers["hidden"].get_weights()
        before = x @ kernel + bias
        return np.maximum(before, 0), lambda g: (g * (before > 0)) @ kernel.T
    if "support" in layers:
        kernel, bias = layers["support"].get_weights()
        gamma = -float(layers["length"].scale)
        near = np.exp(x @ kernel + bias - gamma * (x**2).sum(1, keepdims=True))
        return near, lambda g: (g * near) @ kernel.T - 2 * gamma * x * (g * near).sum(1)[:, None]
    return x, lambda g: g


def _standardisation(head: keras.Model, features: int) -> tuple[np.ndarray, np.ndarray]:
    """What is subtracted from each feature, and the factor that it is then multiplied by."""
    layer = next((x for x in head.layers if x.name == "standardise"), None)
    if layer is None:
        return np.zeros(features, np.float32), np.ones(features, np.float32)
    mean, variance = (np.asarray(v).reshape(-1) for v in (layer.mean, layer.variance))
    return mean, 1 / np.maximum(np.sqrt(variance), keras.backend.epsilon())


def by_level(gradient: np.ndarray, channels: Sequence[int], poolings: int) -> list[np.ndarray]:
    """The (f,) gradient split into one (c,) per level, summed over the kinds of pooling."""
    ends = np.cumsum([poolings * c for c in channels])
    parts = np.split(gradient, ends[:-1])
    return [part.reshape(poolings, -1).sum(0) for part in parts]


def evidence(
    maps: Sequence[np.ndarray],
    good: Sequence[np.ndarray],
    gradients: Sequence[np.ndarray],
    grid: int,
) -> np.ndarray:
    """(grid, grid) float32: each pixel's share in the difference of an image from good ones.

    One entry per level: the image's (h, w, c) map, the mean map of good images, and the (c,)
    gradient of the evidence. It is a Grad-CAM (Selvaraju et al., ICCV 2017, eq. 2) of the
    difference from a reference, as in DeepLIFT (Shrikumar et al., ICML 2017): if the parts are
    aligned, what looks alike in all images, such as their edge and the background, cancels out.
    """
    total = np.zeros((grid, grid), np.float32)
    for level, reference, slope in zip(maps, good, gradients, strict=True):
        total += cv2.resize((level - reference) @ slope, (grid, grid))
    return total


def blur(evidence: np.ndarray) -> np.ndarray:
    """(h, w) evidence, blurred."""
    return cv2.GaussianBlur(evidence, (0, 0), BLUR * len(evidence))
