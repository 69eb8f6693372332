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


def load(kind: str, folder: Path, cache: Cache | None = None) -> Learner:
    """The trained learner that `save` left in a folder; it predicts the same.

    Args:
        kind: the name of its module, such as classifier.
        folder: with its files.
        cache: where features are kept; by default nowhere.

    Raises:
        InputError: there is no such kind, or its files are damaged.
    """
    if kind not in _modules():
        raise InputError(f"{folder} holds a model of kind {kind!r}, which this version lacks")
    try:
        import_keras()
        return import_module(f"anomaly.model.{kind}").load(folder, cache or NoCache())
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


def _modules() -> set[str]:
    """The modules beside this one: a file names one of them, and never any other code."""
    names = {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])}
    return names - {"load"}
