"""Loads a saved Keras model, or explains why it cannot be a backbone; runs no code in the file."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import keras

from anomaly.errors import InputError, first_line

UNKNOWN = re.compile(r"Could not locate (?:class|function) '([^']+)'")


def read_network(path: str | None) -> keras.Model:
    """The graph of a saved model: one RGB image (n, h, w, 3) in, feature maps (n, h', w', c) out.

    Raises:
        InputError: no path, not a Keras file, a damaged one, or a model of another kind.
    """
    if path is None:
        raise InputError(
            "backbone.path has no value; give a saved model as backbone.path=FILE.keras"
        )
    _check_file(path)
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # the readers of zip, JSON and HDF5 raise many kinds
        raise InputError(f"backbone.path={path} {_reason(error)}") from None
    if problem := _problem(network):
        raise InputError(f"backbone.path={path} {problem}")
    return keras.Model(network.inputs, network.outputs)  # also turns a Sequential into a graph


def _check_file(path: str) -> None:
    if not Path(path).is_file():
        raise InputError(f"backbone.path={path} is not an existing file")
    if not path.endswith(".keras") or not zipfile.is_zipfile(path):  # reading .h5 can run code
        raise InputError(
            f"backbone.path={path} is not a Keras file, or is cut off; make one with"
            " model.save('NAME.keras')"
        )


def _reason(error: Exception) -> str:
    if unknown := UNKNOWN.search(str(error)):
        return f"needs code that is not part of Keras ({unknown[1]}); use Keras' layers only"
    if "Python lambda" in str(error):
        return "holds Python code (a Lambda layer), which is never run; use Keras' layers only"
    return (
        f"cannot be read: {first_line(error)}; copy it again, or save it again with"
        f" Keras {keras.__version__}"
    )


def _problem(network: object) -> str | None:
    inputs = getattr(network, "inputs", None)
    if not isinstance(network, keras.Model) or not inputs:
        return "holds no network that begins with keras.Input; save one that does"
    if len(inputs) > 1:
        names = ", ".join(tensor.name for tensor in inputs)
        return f"takes {len(inputs)} inputs ({names}); a backbone takes one image"
    if len(inputs[0].shape) != 4 or inputs[0].shape[-1] != 3:
        return f"takes {inputs[0].shape}; a backbone takes RGB images (None, height, width, 3)"
    for tensor in network.outputs:
        if len(tensor.shape) != 4:
            return f"ends in {tensor.shape}, not in a feature map; save it without its top"
    return None
