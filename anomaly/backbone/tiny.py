"""A small residual network that is trained from random weights: for the demo, tests and laptops."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from anomaly.backbone.application import read_weights
from anomaly.config.ranges import Width
from anomaly.errors import InputError

# Rows: lightness, red minus green, both minus blue. Colours differ little from grey, so these axes
# are amplified; a network with random weights would take long to learn them.
OPPONENT = np.array([[1 / 3, 1 / 3, 1 / 3], [4, -4, 0], [2, 2, -4]], np.float32)
NEIGHBOURHOOD = 8  # pixels; subtracting its mean leaves edges and specks
CONTRAST = 3.0  # factor on what is left


def build(*, image_size: int, weights: str | None, width: Width) -> keras.Model:
    """From opponent colours and local contrast; `width` channels at C2, doubled at every level.

    Channels are normalised in `width` groups per image (Wu & He, "Group Normalization", ECCV 2018),
    which needs no batch statistics and so works with few images.

    Raises:
        InputError: `image_size` is not a multiple of the neighbourhood, or weights do not fit.
    """
    if image_size % NEIGHBOURHOOD:
        raise InputError(
            f"model.image_size must be a multiple of {NEIGHBOURHOOD} for backbone=tiny,"
            f" got {image_size}"
        )
    image = keras.Input((image_size, image_size, 3), name="image")
    opponent = layers.Conv2D(3, 1, use_bias=False, trainable=False, name="opponent")
    x = opponent(layers.Rescaling(1 / 127.5, offset=-1)(image))
    opponent.set_weights([OPPONENT.T[None, None]])
    x = _unit(layers.Concatenate()([x, _local_contrast(x)]), width, 2, width)
    levels = {}
    for depth, name in enumerate(("C2", "C3", "C4", "C5")):
        x = levels[name] = _residual(_unit(x, width * 2**depth, 2, width), width)
    network = keras.Model(image, levels, name="backbone")
    return read_weights(network, weights)


def _local_contrast(x: keras.KerasTensor) -> keras.KerasTensor:
    mean = layers.AveragePooling2D(NEIGHBOURHOOD)(x)
    mean = layers.UpSampling2D(NEIGHBOURHOOD, interpolation="bilinear")(mean)
    return layers.Rescaling(CONTRAST)(layers.subtract([x, mean]))


def _residual(x: keras.KerasTensor, groups: int) -> keras.KerasTensor:
    return layers.add([x, _unit(x, x.shape[-1], 1, groups)])


def _unit(x: keras.KerasTensor, channels: int, stride: int, groups: int) -> keras.KerasTensor:
    convolution = layers.Conv2D(
        channels, 3, stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )
    x = layers.GroupNormalization(groups)(convolution(x))
    return layers.Activation("relu")(x)
