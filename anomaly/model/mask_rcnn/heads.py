"""The heads on top of the pyramid: proposals, classes with boxes, and masks."""

from __future__ import annotations

import keras
from keras import layers

# Standard deviations of initial weights (Ren et al. 2015, 3.1.3), and of box deltas (Girshick 2015).
SMALL, FINER = 0.01, 0.001
RELU = {"activation": "relu", "kernel_initializer": "he_normal"}


def proposal_head(channels: int, ratios: int) -> keras.Model:
    """A level (b, h, w, c) to (b, h * w * ratios, 1) logits and (b, h * w * ratios, 4) deltas.

    The same head is applied to every level (Lin et al. 2017, 4.1).
    """
    x = level = keras.Input((None, None, channels))
    x = layers.Conv2D(
        channels, 3, padding="same", activation="relu", kernel_initializer=_normal(SMALL)
    )(x)
    logits = layers.Conv2D(ratios, 1, kernel_initializer=_normal(SMALL), name="objectness")(x)
    deltas = layers.Conv2D(4 * ratios, 1, kernel_initializer=_normal(SMALL), name="deltas")(x)
    outputs = [layers.Reshape((-1, 1))(logits), layers.Reshape((-1, 4))(deltas)]
    return keras.Model(level, [_float(x) for x in outputs], name="proposal_head")


def box_head(bins: int, channels: int, units: int, classes: int) -> keras.Model:
    """Regions (n, bins, bins, c) to (n, classes) logits and (n, classes - 1, 4) deltas.

    Class 0 is background, which has no box. Source: Lin et al. 2017, 4.2 (two hidden layers).
    """
    regions = keras.Input((bins, bins, channels))
    x = layers.Flatten()(regions)
    for name in ("hidden_1", "hidden_2"):
        x = layers.Dense(units, activation="relu", kernel_initializer="he_uniform", name=name)(x)
    logits = layers.Dense(classes, kernel_initializer=_normal(SMALL), name="class")(x)
    deltas = layers.Dense(4 * (classes - 1), kernel_initializer=_normal(FINER), name="box")(x)
    deltas = layers.Reshape((classes - 1, 4))(deltas)
    return keras.Model(regions, [_float(logits), _float(deltas)], name="box_head")


def mask_head(bins: int, channels: int, classes: int) -> keras.Model:
    """Regions (n, bins, bins, c) to (n, 2 bins, 2 bins, classes - 1) logits.

    Source: He et al. 2017, figure 4 (right): four convolutions, then one that doubles the resolution.
    """
    x = regions = keras.Input((bins, bins, channels))
    for name in ("mask_1", "mask_2", "mask_3", "mask_4"):
        x = layers.Conv2D(channels, 3, padding="same", name=name, **RELU)(x)
    x = layers.Conv2DTranspose(channels, 2, 2, name="doubled", **RELU)(x)
    x = layers.Conv2D(classes - 1, 1, kernel_initializer=_normal(SMALL), name="mask")(x)
    return keras.Model(regions, _float(x), name="mask_head")


def _normal(deviation: float) -> keras.initializers.Initializer:
    """A new one for each layer: it draws its seed, from the run's seed, when it is constructed."""
    return keras.initializers.RandomNormal(stddev=deviation)


def _float(x: keras.KerasTensor) -> keras.KerasTensor:
    """Losses and box arithmetic are float32 even if the network computes in bfloat16."""
    return layers.Activation("linear", dtype="float32")(x)
