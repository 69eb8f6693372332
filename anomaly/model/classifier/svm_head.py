"""A support vector machine as the head of a network: fitted once, then stored as layers.

All layers are Keras' standard ones, so the saved model needs none of our code.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from anomaly.model.svm import Machines, fit


class SvmSettings(NamedTuple):
    """The cost of a mistake, and the kernel's gamma in units of 1 / number of features.

    Squared distances of standardised vectors are proportional to the number of features.
    """

    cost: float
    gamma: float


def fit_head(
    vectors: np.ndarray, labels: np.ndarray, normalise: keras.layers.Layer | None, svm: SvmSettings
) -> keras.Model:
    """A network from (n, features) to (n, classes) logits, fitted to (n, f) vectors, (n,) labels.

    `normalise` is an adapted Normalization, or None.
    """
    x = vectors if normalise is None else np.asarray(normalise(vectors))
    machines = fit(x, labels, c=svm.cost, gamma=svm.gamma / vectors.shape[1])
    head = _network(vectors.shape[1], machines, normalise)
    _set_weights(head, machines)
    return head


def _network(
    features: int, machines: Machines, normalise: keras.layers.Layer | None
) -> keras.Model:
    """[Normalization] - exp(-gamma |x - s|^2) for every support vector s - Dense.

    The square is expanded: 2 gamma x s - gamma |s|^2 is a dense layer, -gamma |x|^2 is added.
    """
    vector = keras.Input((features,), name="vector")
    x = normalise(vector) if normalise is not None else vector
    products = layers.Dense(len(machines.support), name="support")(x)
    length = layers.Dot(axes=1)([x, x])
    length = layers.Rescaling(-machines.gamma, name="length")(length)
    near = layers.Activation("exponential")(layers.Add()([products, length]))
    logits = layers.Dense(len(machines.offsets), name="logits")(near)
    return keras.Model(vector, logits, name="head")


def _set_weights(head: keras.Model, machines: Machines) -> None:
    support, gamma = machines.support.astype(np.float64), machines.gamma
    head.get_layer("support").set_weights([2 * gamma * support.T, -gamma * (support**2).sum(1)])
    head.get_layer("logits").set_weights([machines.weights.T, machines.offsets])
