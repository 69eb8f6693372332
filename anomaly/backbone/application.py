"""Turns networks of keras.applications into backbones, and loads their weights."""

from __future__ import annotations

import os
import re
import socket
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import keras

from anomaly.errors import InputError, first_line

SHAPES = re.compile(  # in Keras' messages about .keras files and about .h5 files
    r"(?:variable\.shape=|expects shape )(\([^)]*\)).*?(?:value\.shape=|with shape )(\([^)]*\))",
    re.S,
)
DOWNLOAD_TIMEOUT = 15.0  # seconds without a byte
Step = Callable[[keras.KerasTensor], keras.KerasTensor]


def build_application(
    factory: Callable[..., keras.Model],
    *,
    image_size: int,
    weights: str | None,
    normalise: Step,
    layer_names: Mapping[str, str],
    **options: object,
) -> keras.Model:
    """A model from RGB 0-255 to {"C2", "C3", "C4", "C5"}.

    Args:
        weights: "imagenet", None for random ones, or the path of a weights file.
        normalise: turns RGB 0-255 into what the network expects.
        layer_names: {level: name of the layer with its feature map}.
        options: further arguments of `factory`.

    Raises:
        InputError: the weights are unavailable, or belong to another network.
    """
    network = load_application(
        factory, image_size=image_size, weights=weights, normalise=normalise, **options
    )
    levels = {level: network.get_layer(name).output for level, name in layer_names.items()}
    return keras.Model(network.inputs[0], levels, name="backbone")


def load_application(
    factory: Callable[..., keras.Model],
    *,
    image_size: int,
    weights: str | None,
    normalise: Step,
    **options: object,
) -> keras.Model:
    """The network without its top: from RGB 0-255 to its last feature map.

    Raises:
        InputError: the weights are unavailable, or belong to another network.
    """
    _check_setting(weights)
    image = keras.Input((image_size, image_size, 3), name="image")
    try:
        with warnings.catch_warnings():  # that the weights were trained at 224 px, which is fine
            warnings.filterwarnings("ignore", message=".*input_shape.*")
            warnings.filterwarnings("ignore", message="Skipping nested container")
            with _download_timeout(DOWNLOAD_TIMEOUT):
                return factory(
                    include_top=False, weights=weights, input_tensor=normalise(image), **options
                )
    except Exception as error:  # Keras raises many kinds when it cannot download or load a file
        if weights is None:
            raise
        raise InputError(_weights_error(factory.__name__, weights, error)) from None


def read_weights(network: keras.Model, weights: str | None) -> keras.Model:
    """Load the weights of a file into the network; None leaves it as initialised.

    Raises:
        InputError: there is no such file, or it belongs to another network.
    """
    if weights == "imagenet":
        raise InputError(f"{network.name} has no ImageNet weights; use backbone.weights=null")
    _check_setting(weights)
    if weights is None:
        return network
    try:
        with warnings.catch_warnings():  # dozens, before the error that follows
            warnings.filterwarnings("ignore", message="Skipping nested container")
            network.load_weights(weights)
    except Exception as error:  # damaged files raise many kinds
        raise InputError(_weights_error("this backbone", weights, error)) from None
    return network


@contextmanager
def _download_timeout(seconds: float) -> Iterator[None]:
    """Downloads fail after so many seconds without a byte; by default they wait forever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _check_setting(weights: str | None) -> None:
    if weights not in (None, "imagenet") and not Path(weights).is_file():
        raise InputError(
            f"backbone.weights={weights} is neither imagenet, null nor an existing file"
        )


def _weights_error(name: str, weights: str, error: Exception) -> str:
    if weights != "imagenet":
        return (
            f"backbone.weights={weights} does not fit {name}: {_mismatch(error)};"
            " give a file with the weights of this network, or backbone.weights=null"
        )
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"
    if isinstance(error, ValueError):  # the file is there
        return (
            f"the ImageNet weights of {name} in {folder} do not fit it: {_mismatch(error)}; delete"
            " that file, so that it is downloaded again, or give another as backbone.weights=PATH"
        )
    return (
        f"ImageNet weights of {name} are not in {folder} and could not be downloaded"
        f" ({first_line(error)}); put the file there, give its path as backbone.weights=PATH,"
        " or start from random ones with backbone.weights=null"
    )


def _mismatch(error: Exception) -> str:
    shapes = SHAPES.search(str(error))
    if shapes is None:
        return first_line(error)
    return f"a weight is {shapes[2]} in the file and {shapes[1]} in the network"
