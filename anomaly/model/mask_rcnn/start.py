"""Begins with what an earlier Mask R-CNN has learned, such as before new pictures came in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import keras

from anomaly.types import InputError

NOTES = "detector.json"  # lies beside the model.keras of a finished run


def begin(network: keras.Model, classes: Sequence[str], weights: str) -> None:
    """Give the network the weights of the model.keras at the path `weights`.

    Raises:
        InputError: there is none, or it is of other classes, another backbone or other settings.
    """
    _check_classes(Path(weights), list(classes))
    try:
        saved = keras.saving.load_model(weights, compile=False, safe_mode=True)
    except Exception:  # whatever the readers of zip, JSON and HDF5 raise
        raise InputError(
            f"model.weights={weights} is cut off, or of another Keras; copy it anew"
        ) from None
    theirs, ours = ([tuple(w.shape) for w in model.weights] for model in (saved, network))
    if theirs != ours:
        raise InputError(
            f"model.weights={weights} is of another backbone or other settings:"
            f" {_difference(theirs, ours)}; give the options of the run that made it"
        )
    network.set_weights(saved.get_weights())


def _check_classes(file: Path, classes: list[str]) -> None:
    if not file.is_file():
        raise InputError(
            f"model.weights={file} is not an existing file; give the model.keras of a finished run"
        )
    try:
        known = json.loads(file.with_name(NOTES).read_text())["classes"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"model.weights={file} is of no finished Mask R-CNN: there is no {NOTES} beside it"
        ) from None
    if known != classes:
        raise InputError(
            f"model.weights={file} knows the classes {', '.join(known)}, and the data has"
            f" {', '.join(classes)}; begin anew with model.weights=null"
        )


def _difference(theirs: Sequence[tuple], ours: Sequence[tuple]) -> str:
    if len(theirs) != len(ours):
        return f"it has {len(theirs)} arrays of weights, and this network {len(ours)}"
    their, our = next(pair for pair in zip(theirs, ours, strict=True) if pair[0] != pair[1])
    return f"a weight is {their} in the file and {our} in the network"
