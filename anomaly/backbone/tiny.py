"""A small residual network that learns from random weights: for the demo, tests and laptops."""

from __future__ import annotations

import keras
from keras import layers

from anomaly.backbone.application import read_weights
from anomaly.checks import Width


def build(*, image_size: int, weights: str | None, width: Width) -> keras.Model:
    """Inputs scaled to -1..1; `width` channels at C2, doubled at every level.

    Group instead of batch normalisation: it needs no statistics, so it learns from few images.
    """
    image = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = _unit(x, width, stride=2)
    levels = {}
    for depth, name in enumerate(("C2", "C3", "C4", "C5")):
        x = levels[name] = _residual(_unit(x, width * 2**depth, stride=2))
    network = keras.Model(image, levels, name="backbone")
    return read_weights(network, weights)


def _residual(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.add([x, _unit(x, x.shape[-1], stride=1)])


def _unit(x: keras.KerasTensor, channels: int, stride: int) -> keras.KerasTensor:
    x = layers.Conv2D(channels, 3, stride, padding="same", use_bias=False)(x)
    x = layers.GroupNormalization(groups=4)(x)
    return layers.Activation("relu")(x)
