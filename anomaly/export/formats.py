"""Writes a network for a runtime: one function each. `inspector/runtimes` reads the files."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import keras

from anomaly.errors import InputError, first_line
from anomaly.inspector.runtimes.network import RUNTIMES


# The names of the files are those of `anomaly.inspector.runtimes`, whose modules need the runtime.
class Format(NamedTuple):
    """What `keras.Model.export` calls it, and the file that is written."""

    keras: str
    file: str


FORMATS = {  # of each runtime
    "onnx": Format("onnx", "network.onnx"),
    "openvino": Format("openvino", "network.xml"),
    "litert": Format("litert", "network.tflite"),
    "saved_model": Format("tf_saved_model", "network"),
}


def write(network: keras.Model, runtime: str, folder: Path) -> None:
    """Write a network of (n, s, s, 3) uint8 RGB photos for one photo at a time.

    Raises:
        InputError: Keras cannot write this network for that runtime, or a package is missing.
    """
    format, name = FORMATS[runtime]
    shape = (1, *network.input_shape[1:])
    photo = keras.InputSpec("uint8", shape, name="photos")
    network.predict_on_batch(keras.ops.zeros(shape, "uint8"))  # else what was loaded stays unbuilt
    with quiet():
        try:
            network.export(
                str(folder / name), format=format, verbose=False, input_signature=[photo]
            )
        except ImportError as error:
            raise InputError(
                f"exporting to {runtime} needs more packages ({first_line(error)}): in this project's"
                " clone, pip install '.[export]'"
            ) from None
        except Exception as error:  # converters raise errors of all kinds
            raise InputError(
                f"this network cannot be exported to {runtime} ({first_line(error)}); try one of"
                f" {', '.join(other for other in RUNTIMES if other != runtime)}"
            ) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Without the notes of converters, which speak of steps that nobody here chose."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
