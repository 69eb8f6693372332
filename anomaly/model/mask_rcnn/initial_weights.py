"""Initial weights from an earlier Mask R-CNN, for instance one trained before new images came in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras

from anomaly.errors import InputError, first_line
from anomaly.model.mask_rcnn.files import SETTINGS_FILE, read_model, read_settings
from anomaly.model.mask_rcnn.layers.proposals import Proposals
from anomaly.model.mask_rcnn.layers.roi_align import RoIAlign


def set_initial_weights(network: keras.Model, classes: Sequence[str], weights: str) -> None:
    """Give the network the weights of the model.keras at the path `weights`.

    Raises:
        InputError: no such file, or one with other classes, another backbone or other settings.
    """
    _check_classes(weights, list(classes))
    try:
        saved = read_model(weights)
    except Exception as error:  # whatever the readers of zip, JSON and HDF5 raise
        raise InputError(
            f"model.weights={weights} cannot be read: {first_line(error)}; copy it again, or save it"
            f" again with Keras {keras.__version__}"
        ) from None
    if difference := _difference(saved, network):
        raise InputError(
            f"model.weights={weights} has another backbone or other settings: {difference};"
            " use the options of the run that saved it"
        )
    network.set_weights(saved.get_weights())


def _check_classes(weights: str, classes: list[str]) -> None:
    file = Path(weights)
    if not file.is_file():
        raise InputError(
            f"model.weights={weights} is not an existing file; give the model.keras of a finished run"
        )
    try:
        saved_classes = read_settings(file.parent)["classes"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"model.weights={weights} does not come from a finished run of Mask R-CNN: there is no"
            f" {SETTINGS_FILE} beside it"
        ) from None
    if saved_classes != classes:
        raise InputError(
            f"model.weights={weights} was trained on the classes {', '.join(saved_classes)}, but the"
            f" data has {', '.join(classes)}; start without it: model.weights=null"
        )


def _difference(saved: keras.Model, network: keras.Model) -> str:
    """The first difference between the networks, in their weights or their regions; "" if none."""
    in_file, here = ([tuple(w.shape) for w in model.weights] for model in (saved, network))
    if len(in_file) != len(here):
        return f"it has {len(in_file)} weight arrays, and this network has {len(here)}"
    for theirs, ours in zip(in_file, here, strict=True):
        if theirs != ours:
            return f"a weight is {theirs} in the file and {ours} in the network"
    saved_settings, settings = _region_settings(saved), _region_settings(network)
    for name, value in settings.items():
        if saved_settings[name] != value:
            return f"model.{name} is {saved_settings[name]} in the file and {value} here"
    return ""


def _region_settings(network: keras.Model) -> dict[str, object]:
    """The settings that decide which regions the network uses, and that no weight shows."""
    propose = next(layer for layer in network.layers if isinstance(layer, Proposals))
    align = next(layer for layer in network.layers if isinstance(layer, RoIAlign))
    return {
        "anchor_scales": propose.scales,
        "anchor_ratios": propose.ratios,
        "canonical_size": align.canonical,
    }
