"""Turns a network of keras.applications into a backbone, with weights or a clear refusal."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import keras

from anomaly.types import InputError

LEVELS = ("C2", "C3", "C4", "C5")


def build_application(
    factory: Callable[..., keras.Model],
    *,
    image_size: int,
    weights: str | None,
    normalise: keras.Layer,
    taps: Mapping[str, str],
    **options: object,
) -> keras.Model:
    """RGB 0-255 in, {"C2", "C3", "C4", "C5"} out; `taps` names the layer of each level.

    `weights` is "imagenet", None for random ones, or the path of a weights file.

    Raises:
        InputError: the weights cannot be had, or belong to another network.
    """
    _known(weights)
    image = keras.Input((image_size, image_size, 3), name="image")
    try:
        with warnings.catch_warnings():  # Keras notes that 224 px weights serve any size: they do
            warnings.filterwarnings("ignore", message=".*input_shape.*")
            network = factory(
                include_top=False, weights=weights, input_tensor=normalise(image), **options
            )
    except Exception as error:  # every way in which Keras fails to get or load a file
        if weights is None:
            raise
        raise InputError(_refusal(factory.__name__, weights, error)) from None
    levels = {level: network.get_layer(taps[level]).output for level in LEVELS}
    return keras.Model(image, levels, name="backbone")


def read_weights(network: keras.Model, weights: str | None) -> keras.Model:
    """The network with the weights of a file; None leaves it as initialised.

    Raises:
        InputError: there is no such file, or it belongs to another network.
    """
    if weights == "imagenet":
        raise InputError(f"{network.name} has no ImageNet weights; use backbone.weights=null")
    _known(weights)
    try:
        if weights:
            network.load_weights(weights)
    except (ValueError, OSError, KeyError) as error:
        raise InputError(_refusal("this backbone", str(weights), error)) from None
    return network


def _known(weights: str | None) -> None:
    if weights not in (None, "imagenet") and not Path(weights).is_file():
        raise InputError(
            f"backbone.weights={weights} is neither imagenet, null nor an existing file"
        )


def _refusal(name: str, weights: str, error: Exception) -> str:
    if weights == "imagenet" and isinstance(error, ValueError):  # of no size that has weights
        return f"{name} has no such ImageNet weights: {_first_line(error)}"
    if weights != "imagenet":
        return f"backbone.weights={weights} does not fit {name}: {_first_line(error)}"
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"
    return (
        f"ImageNet weights of {name} are not in {home} and could not be downloaded"
        f" ({_first_line(error)}); put the file there, give its path as backbone.weights=PATH,"
        " or start from random ones with backbone.weights=null"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
