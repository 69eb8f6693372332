"""Reads back what a learner saved, whatever its kind."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from anomaly.cache.store import Cache, NoCache
from anomaly.errors import InputError, first_line
from anomaly.runtime.import_keras import import_keras

if TYPE_CHECKING:
    from anomaly.model.learner import Learner

OTHER_NAMES = {"mask_rcnn": "detector.json"}  # any other learner NAME is known by its NAME.json
PLACES = ("", "data", "model", "model/data")  # below the folder of a run, or of its model


def load(folder: Path | str, cache: Cache | None = None) -> Learner:
    """The trained learner of a run.

    Its probabilities are as the network gives them: the temperature and the thresholds that the run
    chose on validate (operating_point.json) are not applied.

    Args:
        folder: of the run, or of the model in it.
        cache: where features are kept; by default nowhere.

    Raises:
        InputError: there is no trained model, or its files are damaged.
    """
    for place in PLACES:
        for marker, module in _kinds().items():
            if (Path(folder) / place / marker).is_file():
                return _read(module, Path(folder) / place, cache or NoCache())
    raise InputError(f"{folder} holds no trained model; give the folder of a finished training run")


def _kinds() -> dict[str, str]:
    """{the file that this kind of learner saves: the module that reads it}, of our own modules."""
    names = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    return {OTHER_NAMES.get(name, f"{name}.json"): f"anomaly.model.{name}" for name in names}


def _read(module: str, folder: Path, cache: Cache) -> Learner:
    try:
        import_keras()
        return import_module(module).load(folder, cache)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{folder} needs more packages ({error.name} is missing): in this project's clone,"
            " pip install '.[train]'"
        ) from None
    except Exception as error:  # json, zip, numpy, HDF5 and Keras all raise errors of their own
        raise InputError(
            f"the model in {folder} cannot be read ({first_line(error)}); copy it again from the"
            " run, or train it again"
        ) from None
