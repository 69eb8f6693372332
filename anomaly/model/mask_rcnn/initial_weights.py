"""Begins with what an earlier Mask R-CNN has learned, such as before new pictures came in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import keras

from anomaly.errors import InputError, first_line
from anomaly.model.mask_rcnn.layers.proposals import Proposals
from anomaly.model.mask_rcnn.layers.roi_align import RoIAlign

NOTES = "detector.json"  # lies beside the model.keras of a finished run


def begin(network: keras.Model, classes: Sequence[str], weights: str) -> None:
    """Give the network the weights of the model.keras at the path `weights`.

    Raises:
        InputError: there is none, or it is of other classes, another backbone or other settings.
    """
    _check_classes(weights, list(classes))
    try:
        saved = keras.saving.load_model(weights, compile=False, safe_mode=True)
    except Exception as error:  # whatever the readers of zip, JSON and HDF5 raise
        raise InputError(
            f"model.weights={weights} cannot be read: {first_line(error)}; copy it anew, or save it"
            f" anew with Keras {keras.__version__}"
        ) from None
    if difference := _difference(saved, network):
        raise InputError(
            f"model.weights={weights} is of another backbone or other settings: {difference};"
            " give the options of the run that made it"
        )
    network.set_weights(saved.get_weights())


def _check_classes(weights: str, classes: list[str]) -> None:
    file = Path(weights)
    if not file.is_file():
        raise InputError(
            f"model.weights={weights} is not an existing file; give the model.keras of a finished run"
        )
    try:
        known = json.loads(file.with_name(NOTES).read_text())["classes"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"model.weights={weights} is of no finished Mask R-CNN: there is no {NOTES} beside it"
        ) from None
    if known != classes:
        raise InputError(
            f"model.weights={weights} knows the classes {', '.join(known)}, and the data has"
            f" {', '.join(classes)}; begin anew with model.weights=null"
        )


def _difference(saved: keras.Model, network: keras.Model) -> str:
    """What sets the networks apart, if anything does: their weights, or what regions they look at."""
    theirs, ours = ([tuple(w.shape) for w in model.weights] for model in (saved, network))
    if len(theirs) != len(ours):
        return f"it has {len(theirs)} arrays of weights, and this network {len(ours)}"
    for their, our in zip(theirs, ours, strict=True):
        if their != our:
            return f"a weight is {their} in the file and {our} in the network"
    looked, look = _regions(saved), _regions(network)
    other = [name for name in look if looked[name] != look[name]]
    return (
        f"model.{other[0]} is {looked[other[0]]} in the file and {look[other[0]]} here"
        if other
        else ""
    )


def _regions(network: keras.Model) -> dict[str, object]:
    propose = next(layer for layer in network.layers if isinstance(layer, Proposals))
    align = next(layer for layer in network.layers if isinstance(layer, RoIAlign))
    return {
        "anchor_scales": propose.scales,
        "anchor_ratios": propose.ratios,
        "canonical_size": align.canonical,
    }
