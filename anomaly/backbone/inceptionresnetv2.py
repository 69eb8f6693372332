"""Inception-ResNet v2 (Szegedy et al., "Inception-v4, Inception-ResNet ...", AAAI 2017)."""

import keras
from keras import layers

from anomaly.backbone.application import whole_application
from anomaly.backbone.levels import sides
from anomaly.errors import InputError

SMALLEST = 75  # pixels; of less its unpadded convolutions leave nothing


def build(*, image_size: int, weights: str | None) -> keras.Model:
    """Inputs scaled to -1..1; a level is the last output at its stride, padded to full size.

    Its convolutions without padding lose the same border on all sides. Zeros there put every cell
    back over its own pixels, so that the levels stand as those of all other backbones.

    Raises:
        InputError: the image is too small, or the weights cannot be had or do not fit.
    """
    if image_size < SMALLEST:
        raise InputError(
            f"model.image_size must be {SMALLEST} or more for backbone=inceptionresnetv2,"
            f" got {image_size}"
        )
    network = whole_application(
        keras.applications.InceptionResNetV2,
        image_size=image_size,
        weights=weights,
        normalise=layers.Rescaling(1 / 127.5, offset=-1),
    )
    maps = _maps(network)
    levels = {level: _centred(maps[level], side) for level, side in sides(image_size).items()}
    return keras.Model(network.inputs[0], levels, name="backbone")


def _maps(network: keras.Model) -> dict[str, keras.KerasTensor]:
    poolings = [layer for layer in network.layers if isinstance(layer, layers.MaxPooling2D)]
    names = {"C3": "block35_10_ac", "C4": "block17_20_ac", "C5": "conv_7b_ac"}
    maps = {level: network.get_layer(name).output for level, name in names.items()}
    return {"C2": poolings[1].input, **maps}  # its layer's name differs from build to build


def _centred(x: keras.KerasTensor, side: int) -> keras.KerasTensor:
    missing = side - x.shape[1]
    border = (missing // 2, missing - missing // 2)
    return layers.ZeroPadding2D((border, border))(x)
