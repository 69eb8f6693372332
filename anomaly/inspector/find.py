"""Finds the bundle that a person means: a folder, a run's id, or a model's name and alias."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from anomaly.errors import InputError
from anomaly.inspector.bundle import ABOUT, read
from anomaly.inspector.inspector import Inspector
from anomaly.tracking.names import LATEST

PLACES = ("", "data", "model/data")  # of a bundle: in itself, in MLflow's model, in a run
RUN_ID = re.compile(r"[0-9a-f]{32}")
REMOTE = re.compile(r"(models|runs):/")


def load(model: Path | str, output: Path | str = "outputs", uri: str | None = None) -> Inspector:
    """A trained model that judges photos as it was judged.

    Args:
        model: the folder of a run or of a bundle, the id of a run, NAME@ALIAS as `promote` gave it
            (models:/NAME@ALIAS, as MLflow writes it), or `latest`, the run that finished last.
        output: the folder of the runs, where an id or a name is looked up.
        uri: the tracking store, if it is not <output>/mlflow.db.

    Raises:
        InputError: there is no such model, its run has not finished, or its bundle is damaged.
    """
    return read(bundle_of(str(model), Path(output), uri))


def bundle_of(model: str, output: Path, uri: str | None = None) -> Path:
    """The folder of the bundle, fetched from the tracking store where it is not on this disk.

    Raises:
        InputError: as `load`.
    """
    if os.path.isdir(model):  # of a path that no disk can hold, too
        return _in_folder(Path(model))
    if RUN_ID.fullmatch(model) or REMOTE.match(model) or "@" in model or model == LATEST:
        try:
            from anomaly.tracking.registry import fetch  # MLflow takes seconds, a folder needs none
        except ModuleNotFoundError as error:
            raise InputError(
                f"{model} is looked up in MLflow, which is not installed here ({error.name} is"
                " missing): give the folder of an exported bundle, or pip install '.[train]'"
            ) from None
        return _in_folder(fetch(_address(model), output, uri))
    raise InputError(
        f"{model} is no model: there is no such folder, and it is neither the id of a run (32 digits"
        f" and letters a to f) nor NAME@ALIAS nor {LATEST}"
    )


def _address(model: str) -> str:
    """As MLflow writes it."""
    if RUN_ID.fullmatch(model):
        return f"runs:/{model}"
    return model if REMOTE.match(model) or model == LATEST else f"models:/{model}"


def _in_folder(folder: Path) -> Path:
    for place in PLACES:
        if os.path.isfile(folder / place / ABOUT):
            return folder / place
    raise InputError(_no_bundle(folder))


def _no_bundle(folder: Path) -> str:
    try:
        status = json.loads((folder / "run.json").read_text())["status"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{folder} holds no trained model; give the folder of a finished run, or of a bundle"
    if status == "FINISHED":
        return f"the run in {folder} left no bundle, as an earlier version did; train it again"
    return f"the run in {folder} has not finished ({status}); repeat its command to go on with it"
