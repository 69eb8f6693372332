"""An ensemble that judges photos: every member judges, and the combiner has the last word."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import anomaly.ensemble
from anomaly.ensemble.fuse import fuse, probabilities
from anomaly.errors import InputError, first_line
from anomaly.types import Image, Predictions

if TYPE_CHECKING:
    from anomaly.ensemble.combiner import Combiner
    from anomaly.inspector.about import About
    from anomaly.inspector.inspector import Inspector

FILE = "combiner.npz"


class Team:
    """The members, calibrated each as in its run, and a fitted combiner."""

    def __init__(self, members: Sequence[Inspector], combiner: Combiner) -> None:
        self.members, self.combiner = members, combiner

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """What the members' predictions give together; each has the ensemble's grid."""
        predicted = [member.predict(images) for member in self.members]
        proba = self.combiner.combine(probabilities(predicted))
        return fuse(predicted, proba, self.combiner.weights)

    @staticmethod
    def read(folder: Path, about: About, members: Sequence[Inspector]) -> Team:
        """The team whose combiner `write_combiner` wrote.

        Raises:
            InputError: there is no such kind, the file is damaged, or the members do not fit.
        """
        if about.kind not in {m.name for m in pkgutil.iter_modules(anomaly.ensemble.__path__)}:
            raise InputError(f"{folder} combines by {about.kind!r}, which this version lacks")
        needed = (tuple(about.classes), about.grid)
        if any((member.classes, member.about.grid) != needed for member in members):
            raise InputError(f"the ensemble in {folder} has members of other classes or grids")
        try:
            with (folder / FILE).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            combiner = import_module(f"anomaly.ensemble.{about.kind}").load(arrays)
            _try(combiner, len(members), len(about.classes))
            return Team(members, combiner)
        except Exception as error:  # zip, numpy and missing arrays each raise their kind
            raise InputError(
                f"the combiner in {folder} cannot be read ({first_line(error)}); copy it again"
            ) from None


def _try(combiner: Combiner, members: int, classes: int) -> None:
    """Combine once; what does not fit these members raises errors of various kinds."""
    proba = combiner.combine(np.full((members, 1, classes), 1 / classes))
    if proba.shape != (1, classes) or combiner.weights.shape != (members,):
        raise ValueError("it is of other members or classes")


def write_combiner(folder: Path, combiner: Combiner) -> None:
    """Write the file that `Team.read` reads."""
    arrays: Any = combiner.arrays()
    np.savez(folder / FILE, **arrays)
