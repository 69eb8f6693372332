"""Inception-ResNet v2 (Szegedy et al., "Inception-v4, Inception-ResNet ...", AAAI 2017)."""

import keras
from keras import layers

from anomaly.backbone.application import load_application
from anomaly.backbone.levels import sides
from anomaly.errors import InputError

MIN_SIZE = 75  # pixels; the unpadded convolutions leave nothing of smaller images


def build(*, image_size: int, weights: str | None) -> keras.Model:
    """Inputs are scaled to -1..1; a level is the last map of its stride, padded to full size.

    Unpadded convolutions lose the same border on all sides. Padding the maps with zeros puts every
    cell back over its pixels, as in all other backbones.

    Raises:
        InputError: the image is too small, or the weights are unavailable or do not fit.
    """
    if image_size < MIN_SIZE:
        raise InputError(
            f"model.image_size must be {MIN_SIZE} or more for backbone=inceptionresnetv2,"
            f" got {image_size}"
        )
    network = load_application(
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
    return {"C2": poolings[1].input, **maps}  # whose layer gets another name each time


def _centred(x: keras.KerasTensor, side: int) -> keras.KerasTensor:
    missing = side - x.shape[1]
    border = (missing // 2, missing - missing // 2)
    return layers.ZeroPadding2D((border, border))(x)
