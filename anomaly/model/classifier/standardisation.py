"""Brings each feature to zero mean and unit variance, and gives none a say that hardly varies."""

from __future__ import annotations

import keras
import numpy as np

FLOOR = 0.02  # least standard deviation, as a share of the mean (docs/decisions/0006)


def adapt(layer: keras.layers.Normalization, vectors: np.ndarray) -> None:
    """Fit the layer to (n, f) vectors.

    A feature that varies by a thousandth of its mean would be multiplied by a thousand, and so
    would be what another precision or another processor makes of it. Its standard deviation counts
    as FLOOR of its mean.
    """
    layer.adapt(vectors)
    least = (FLOOR * np.asarray(layer.adapt_mean)) ** 2
    layer.adapt_variance.assign(np.maximum(np.asarray(layer.adapt_variance), least))
    layer.finalize_state()
