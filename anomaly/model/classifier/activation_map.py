"""A class activation map: where in the image the evidence for a defect lies.

Functions of `keras.ops`, so that they become part of the network that is exported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import keras
import numpy as np
from keras import ops

from anomaly.model.classifier.views import Tensor, turned_back

BLUR = 1 / 40  # standard deviation in sides: evidence comes in specks, a defect is in one piece


def logits_and_gradient(head: keras.Model, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """(n, c) logits of (n, f) pooled features, and (n, f): the gradient of the defect evidence.

    The evidence is the logit of the most probable defect type minus that of good. For each kind of
    head its gradient has a closed form, the same on every backend. The weights are constants.
    """
    kernel, bias = head.get_layer("logits").get_weights()
    shift, scale = _standardisation(head, vectors.shape[1])
    hidden, backward = _hidden(head, (vectors - shift) * scale)
    logits = ops.matmul(hidden, kernel) + bias
    types = logits[:, 1:]
    # What argmax becomes cannot be read by OpenVINO. Of types that are equally probable, all count.
    strongest = ops.cast(ops.equal(types, ops.max(types, 1, keepdims=True)), "float32")
    of_logits = ops.matmul(strongest, kernel[:, 1:].T) - kernel[:, 0]
    return logits, backward(of_logits) * scale


def _hidden(head: keras.Model, x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """(n, u) inputs of the logits, and the function from their gradient to that of (n, f) x."""
    layers = {layer.name: layer for layer in head.layers}
    if "hidden" in layers:
        kernel, bias = layers["hidden"].get_weights()
        hidden = ops.relu(ops.matmul(x, kernel) + bias)
        active = ops.cast(hidden > 0, "float32")
        return hidden, lambda g: ops.matmul(g * active, kernel.T)
    if "support" in layers:
        kernel, bias = layers["support"].get_weights()
        gamma = -float(layers["length"].scale)
        squares = ops.sum(x * x, 1, keepdims=True)
        near = ops.exp(ops.matmul(x, kernel) + bias - gamma * squares)
        return (
            near,
            lambda g: (
                ops.matmul(g * near, kernel.T) - 2 * gamma * x * ops.sum(g * near, 1, keepdims=True)
            ),
        )
    return x, lambda g: g


def _standardisation(head: keras.Model, features: int) -> tuple[np.ndarray, np.ndarray]:
    """What is subtracted from each feature, and the factor that it is then multiplied by."""
    layer = next((x for x in head.layers if x.name == "standardise"), None)
    if layer is None:
        return np.zeros(features, np.float32), np.ones(features, np.float32)
    mean, variance = (np.asarray(v).reshape(-1) for v in (layer.mean, layer.variance))
    return mean, 1 / np.maximum(np.sqrt(variance), keras.backend.epsilon())


def by_level(gradient: Tensor, channels: Sequence[int], poolings: int) -> list[Tensor]:
    """The (n, f) gradient split into one (n, c) per level, summed over the kinds of pooling."""
    ends = np.cumsum([0, *(poolings * c for c in channels)])
    return [
        ops.sum(ops.reshape(gradient[:, start:end], (-1, poolings, c)), 1)
        for start, end, c in zip(ends[:-1], ends[1:], channels, strict=True)
    ]


def evidence(level: Tensor, good: np.ndarray, gradient: Tensor) -> Tensor:
    """(n, h, w): each cell's share in the difference of a photo from good ones, over all views.

    `level` are the (views * n, h, w, c) maps of one level, `good` the (views, h, w, c) mean maps of
    good images, `gradient` the (views * n, c) of the evidence. It is a Grad-CAM (Selvaraju et al.,
    ICCV 2017, eq. 2) of the difference from a reference, as in DeepLIFT (Shrikumar et al., ICML
    2017): if the parts are aligned, what looks alike in all images, such as their edge and the
    background, cancels out. The sum over the views centres it: a convolution with a stride shifts
    its output by half a cell, in a direction that depends on the padding of the backbone.
    """
    views, height, width, channels = good.shape
    cells = ops.reshape(level, (views, -1, height * width, channels))
    difference = cells - good.reshape(views, 1, height * width, channels)
    weighted = ops.matmul(difference, ops.reshape(gradient, (views, -1, channels, 1)))
    by_view = ops.reshape(weighted, (views, -1, height, width))
    return sum(turned_back(by_view[view], view) for view in range(views))


def spread(evidence: Tensor, grid: int) -> Tensor:
    """(n, h, h) evidence on cells to (n, grid, grid): stretched bilinearly, then blurred."""
    matrix = _spreading(evidence.shape[1], grid)
    return ops.matmul(ops.matmul(matrix, evidence), matrix.T)


def _spreading(cells: int, grid: int) -> np.ndarray:
    """(grid, cells) float32: what each cell of a row gives to each pixel, as OpenCV computes it."""
    stretched = cv2.resize(np.eye(cells, dtype=np.float32), (cells, grid))
    sigma = BLUR * grid
    reach = 2 * round(4 * sigma) + 1  # OpenCV's for float images
    down = cv2.getGaussianKernel(reach, sigma)
    return cv2.sepFilter2D(stretched, -1, np.ones(1), down)
