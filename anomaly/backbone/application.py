"""Turns a network of keras.applications into a backbone, with weights or a clear refusal."""

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

SHAPES = re.compile(  # in what Keras says of a file in its own format, and of an older .h5
    r"(?:variable\.shape=|expects shape )(\([^)]*\)).*?(?:value\.shape=|with shape )(\([^)]*\))",
    re.S,
)
PATIENCE = 15.0  # seconds
Step = Callable[[keras.KerasTensor], keras.KerasTensor]


def build_application(
    factory: Callable[..., keras.Model],
    *,
    image_size: int,
    weights: str | None,
    normalise: Step,
    taps: Mapping[str, str],
    **options: object,
) -> keras.Model:
    """RGB 0-255 in, {"C2", "C3", "C4", "C5"} out; `taps` names the layer of each level.

    `weights` is "imagenet", None for random ones, or the path of a weights file.

    Raises:
        InputError: the weights cannot be had, or belong to another network.
    """
    network = whole_application(
        factory, image_size=image_size, weights=weights, normalise=normalise, **options
    )
    levels = {level: network.get_layer(tap).output for level, tap in taps.items()}
    return keras.Model(network.inputs[0], levels, name="backbone")


def whole_application(
    factory: Callable[..., keras.Model],
    *,
    image_size: int,
    weights: str | None,
    normalise: Step,
    **options: object,
) -> keras.Model:
    """RGB 0-255 in, the last map out: for those whose levels cannot be told by names alone.

    Raises:
        InputError: the weights cannot be had, or belong to another network.
    """
    _known(weights)
    image = keras.Input((image_size, image_size, 3), name="image")
    try:
        with warnings.catch_warnings():  # Keras notes that 224 px weights serve any size: they do
            warnings.filterwarnings("ignore", message=".*input_shape.*")
            warnings.filterwarnings("ignore", message="Skipping nested container")
            with _patience(PATIENCE):
                return factory(
                    include_top=False, weights=weights, input_tensor=normalise(image), **options
                )
    except Exception as error:  # every way in which Keras fails to get or load a file
        if weights is None:
            raise
        raise InputError(_refusal(factory.__name__, weights, error)) from None


def read_weights(network: keras.Model, weights: str | None) -> keras.Model:
    """The network with the weights of a file; None leaves it as initialised.

    Raises:
        InputError: there is no such file, or it belongs to another network.
    """
    if weights == "imagenet":
        raise InputError(f"{network.name} has no ImageNet weights; use backbone.weights=null")
    _known(weights)
    if weights is None:
        return network
    try:
        with warnings.catch_warnings():  # dozens, in front of the error that follows
            warnings.filterwarnings("ignore", message="Skipping nested container")
            network.load_weights(weights)
    except Exception as error:  # damaged archives raise whatever their reader raises
        raise InputError(_refusal("this backbone", weights, error)) from None
    return network


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Downloads give up after so many seconds of silence; without it they wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _known(weights: str | None) -> None:
    if weights not in (None, "imagenet") and not Path(weights).is_file():
        raise InputError(
            f"backbone.weights={weights} is neither imagenet, null nor an existing file"
        )


def _refusal(name: str, weights: str, error: Exception) -> str:
    if weights != "imagenet":
        return (
            f"backbone.weights={weights} does not fit {name}: {_mismatch(error)};"
            " give a file of this very network's weights, or backbone.weights=null"
        )
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"
    if isinstance(error, ValueError):  # the file is there
        return (
            f"the ImageNet weights of {name} in {home} do not fit it: {_mismatch(error)}; delete"
            " that file and let it be downloaded, or give the right one as backbone.weights=PATH"
        )
    return (
        f"ImageNet weights of {name} are not in {home} and could not be downloaded"
        f" ({first_line(error)}); put the file there, give its path as backbone.weights=PATH,"
        " or start from random ones with backbone.weights=null"
    )


def _mismatch(error: Exception) -> str:
    shapes = SHAPES.search(str(error))
    if shapes is None:
        return first_line(error)
    return f"a weight is {shapes[2]} in the file and {shapes[1]} in the network"
