"""Any saved Keras model that ends in a feature map, as a backbone for any image size."""

from __future__ import annotations

import keras
from keras import layers

from anomaly.backbone.levels import STRIDES, last_of_each_side, sides
from anomaly.backbone.saved import read_network
from anomaly.config.ranges import Positive, Real
from anomaly.errors import InputError, first_line


def build(*, image_size: int, path: str | None, scale: Positive, offset: Real) -> keras.Model:
    """The network sees (x - offset) / scale of RGB 0-255; a level is the last map of its size.

    Raises:
        InputError: a file that cannot be used, or a network that lacks a level at this size.
    """
    network = read_network(path)
    image = keras.Input((image_size, image_size, 3), name=_unused("image", network))
    rescaling = layers.Rescaling(1 / scale, -offset / scale, name=_unused("scaled", network))
    scaled = rescaling(image)
    try:
        maps = last_of_each_side(_rebuilt(network, scaled))
    except Exception as error:  # layers with a fixed size raise many kinds
        raise InputError(
            f"backbone.path={path} cannot be rebuilt for model.image_size={image_size}:"
            f" {first_line(error)}; it was saved for {network.inputs[0].shape}"
        ) from None
    levels = {level: maps.get(side) for level, side in sides(image_size).items()}
    if missing := [level for level, output in levels.items() if output is None]:
        raise InputError(f"backbone.path={path} {_missing_levels(missing, image_size, list(maps))}")
    return keras.Model(image, levels, name="backbone")


def _unused(name: str, network: keras.Model) -> str:
    """The name, or a similar one that no layer of the network has: names in a graph are unique."""
    taken = {layer.name for layer in network.layers}
    while name in taken:
        name += "_"
    return name


def _rebuilt(network: keras.Model, image: keras.KerasTensor) -> list[keras.KerasTensor]:
    """The outputs of all layers for `image`, in order; the layers and weights are cloned."""
    maps: list[keras.KerasTensor] = []

    def call(layer: keras.Layer, *arguments: object, **options: object) -> object:
        outputs = layer(*arguments, **options)
        maps.extend(keras.tree.flatten(outputs))
        return outputs

    clone = keras.models.clone_model(network, [image], clone_function=_clone, call_function=call)
    clone.set_weights(network.get_weights())
    return maps


def _clone(layer: keras.Layer) -> keras.Layer:
    if isinstance(layer, keras.Sequential):  # its config would keep the old size
        return keras.Sequential([_clone(inner) for inner in layer.layers], name=layer.name)
    clone = layer.__class__.from_config(layer.get_config())
    clone.trainable = True  # even if it was saved frozen: here the trainer freezes layers
    return clone


def _missing_levels(missing: list[str], image_size: int, available: list[int]) -> str:
    needed = sides(image_size)
    lacks = " and ".join(f"{needed[x]} cells a side ({x}, stride {STRIDES[x]})" for x in missing)
    return (
        f"has no map of {lacks} at model.image_size={image_size}; its maps have"
        f" {', '.join(map(str, available))}"
    )
