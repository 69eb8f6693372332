"""The feature pyramid: maps of every resolution, each with the semantics of the coarsest one."""

from __future__ import annotations

import keras
from keras import layers

from anomaly.model.fingerprint import every_layer

LEVELS = ("C2", "C3", "C4", "C5")


def pyramid(backbone: keras.Model, channels: int) -> keras.Model:
    """RGB (b, h, w, 3) to a list of P2 to P6, each (b, h', w', channels), strides 4 to 64.

    Source: Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017, section 3;
    P6 is P5 subsampled (footnote 2).
    """
    image = keras.Input(backbone.input_shape[1:], name="image")
    maps = backbone(image)
    lateral = [_convolution(channels, 1, f"lateral_{level}")(maps[level]) for level in LEVELS]
    merged = [lateral[-1]]
    for finer in reversed(lateral[:-1]):
        coarser = layers.UpSampling2D(2)(merged[0])
        merged.insert(0, layers.add([finer, coarser]))
    outputs = [_convolution(channels, 3, f"P{k}")(x) for k, x in enumerate(merged, 2)]
    outputs.append(layers.MaxPooling2D(1, 2, name="P6")(outputs[-1]))
    return keras.Model(image, outputs, name="pyramid")


def _convolution(channels: int, size: int, name: str) -> layers.Conv2D:
    return layers.Conv2D(channels, size, padding="same", name=name, kernel_initializer="he_uniform")


def freeze(backbone: keras.Model, level: str | None, batch_norm: bool) -> list[keras.Layer]:
    """Freeze all layers up to `level`, and with `batch_norm` every batch norm.

    Returns the layers that were trainable before.
    """
    below = keras.Model(backbone.input, backbone.output[level]).layers if level else []
    chosen = set(below)
    if batch_norm:
        kind = layers.BatchNormalization
        chosen |= {layer for layer in every_layer(backbone) if isinstance(layer, kind)}
    frozen = [layer for layer in chosen if layer.trainable]
    for layer in frozen:
        layer.trainable = False
    return frozen
