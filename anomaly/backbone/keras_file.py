"""Any saved Keras model that ends in a feature map, at any image size."""

from __future__ import annotations

import keras
from keras import layers

from anomaly.backbone.levels import STRIDES, last_of_each_side, sides
from anomaly.backbone.saved import read_network
from anomaly.config.ranges import Positive, Real
from anomaly.errors import InputError, first_line


def build(*, image_size: int, path: str | None, scale: Positive, offset: Real) -> keras.Model:
    """The network sees (x - offset) / scale of RGB 0-255; a level is its last map of that size.

    Raises:
        InputError: a file that cannot be used, or a network that lacks a level at this size.
    """
    network = read_network(path)
    image = keras.Input((image_size, image_size, 3), name=_free("image", network))
    rescaling = layers.Rescaling(1 / scale, -offset / scale, name=_free("scaled", network))
    scaled = rescaling(image)
    try:
        maps = last_of_each_side(_rebuilt(network, scaled))
    except Exception as error:  # layers that hold on to a size raise whatever they like
        raise InputError(
            f"backbone.path={path} cannot be rebuilt for model.image_size={image_size}:"
            f" {first_line(error)}; it was saved for {network.inputs[0].shape}"
        ) from None
    levels = {level: maps.get(side) for level, side in sides(image_size).items()}
    if missing := [level for level, found in levels.items() if found is None]:
        raise InputError(f"backbone.path={path} {_lack(missing, image_size, list(maps))}")
    return keras.Model(image, levels, name="backbone")


def _free(name: str, network: keras.Model) -> str:
    """The name, or one like it, that no layer of the network has: in a graph each has its own."""
    taken = {layer.name for layer in network.layers}
    while name in taken:
        name += "_"
    return name


def _rebuilt(network: keras.Model, image: keras.KerasTensor) -> list[keras.KerasTensor]:
    """What every layer gives for `image`, in order, from copies of the layers and their weights."""
    maps: list[keras.KerasTensor] = []

    def call(layer: keras.Layer, *arguments: object, **options: object) -> object:
        outputs = layer(*arguments, **options)
        maps.extend(keras.tree.flatten(outputs))
        return outputs

    copy = keras.models.clone_model(network, [image], clone_function=_copy, call_function=call)
    copy.set_weights(network.get_weights())
    return maps


def _copy(layer: keras.Layer) -> keras.Layer:
    if isinstance(layer, keras.Sequential):  # from its config it would keep its old size
        return keras.Sequential([_copy(inner) for inner in layer.layers], name=layer.name)
    copy = layer.__class__.from_config(layer.get_config())
    copy.trainable = True  # whoever froze it before saving: here the trainer decides
    return copy


def _lack(missing: list[str], image_size: int, found: list[int]) -> str:
    wanted = sides(image_size)
    lacks = " and ".join(f"{wanted[x]} cells a side ({x}, stride {STRIDES[x]})" for x in missing)
    return (
        f"has no map of {lacks} at model.image_size={image_size}; its maps have"
        f" {', '.join(map(str, found))}"
    )
