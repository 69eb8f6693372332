"""A support vector machine as the head of a network: fitted once, then layers like any other.

All layers are Keras' own, so the saved model needs none of our code.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from anomaly.model.svm import Machines, fit


class Svm(NamedTuple):
    """The cost of a mistake, and the kernel's gamma in units of 1 / features.

    That is the scale on which standardised features lie apart.
    """

    cost: float
    gamma: float


def fit_head(
    vectors: np.ndarray, labels: np.ndarray, normalise: keras.layers.Layer | None, svm: Svm
) -> keras.Model:
    """(n, features) to (n, classes) logits, learned from (n, f) vectors and (n,) labels.

    `normalise` is an adapted Normalization, or None.
    """
    x = vectors if normalise is None else np.asarray(normalise(vectors))
    machines = fit(x, labels, c=svm.cost, gamma=svm.gamma / vectors.shape[1])
    head = _network(vectors.shape[1], len(machines.offsets), machines, normalise)
    _set(head, machines)
    return head


def _network(
    features: int, classes: int, machines: Machines, normalise: keras.layers.Layer | None
) -> keras.Model:
    """[Normalization] - exp(-gamma |x - s|^2) for every support s - Dense.

    The square is taken apart: 2 gamma x s - gamma |s|^2 is a dense layer, -gamma |x|^2 the rest.
    """
    vector = keras.Input((features,), name="vector")
    x = normalise(vector) if normalise is not None else vector
    towards = layers.Dense(len(machines.support), name="support")(x)
    length = layers.Dot(axes=1)([x, x])
    length = layers.Rescaling(-machines.gamma, name="length")(length)
    near = layers.Activation("exponential")(layers.Add()([towards, length]))
    return keras.Model(vector, layers.Dense(classes, name="logits")(near), name="head")


def _set(head: keras.Model, machines: Machines) -> None:
    support, gamma = machines.support.astype(np.float64), machines.gamma
    head.get_layer("support").set_weights([2 * gamma * support.T, -gamma * (support**2).sum(1)])
    head.get_layer("logits").set_weights([machines.weights.T, machines.offsets])
