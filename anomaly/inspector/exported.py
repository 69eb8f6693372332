"""Judges photos by an exported network: what is around it is computed as for the network in Keras."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from anomaly.cache.store import NoCache
from anomaly.data.images import load_image
from anomaly.errors import InputError, first_line
from anomaly.inspector import golden
from anomaly.inspector.about import About
from anomaly.inspector.fields import Check, is_count, is_share, is_side, table_of
from anomaly.inspector.runtimes.network import Network
from anomaly.inspector.runtimes.network import load as load_network
from anomaly.model.answers import detections, localise
from anomaly.model.answers.paste import Rows
from anomaly.model.answers.turned import find
from anomaly.types import Image, Predictions

SETTINGS = "network.json"


class Parts(NamedTuple):
    """What every judge is made of."""

    network: Network
    classes: tuple[str, ...]
    size: int  # side of the square that the network takes, pixels
    settings: Mapping[str, Any]  # of `anomaly.model.learner.Graph`

    def pixels(self, image: Image) -> np.ndarray:
        """(1, s, s, 3) uint8 RGB of one photo."""
        return load_image(image, self.size, NoCache())[None]


class ClassifierJudge(Parts):
    """By a network that gives `proba` (1, c) and `heat` (1, grid, grid)."""

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """As `Classifier.predict`; the network's heat has the grid that it was exported for."""
        answers = [localise.answer(self.network(self.pixels(image))) for image in images]
        proba, heat = (np.stack(column) for column in zip(*answers, strict=True))
        if heat.shape[1:] != (grid, grid):
            raise ValueError(f"the network's heat is {heat.shape[1:]}, not of side {grid}")
        return localise.predictions(images, self.classes, proba, heat, self.settings["threshold"])


class DetectorJudge(Parts):
    """By a network that gives rows of one view: `boxes`, `scores`, `labels` and `masks`."""

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """As `Detector.predict`."""
        views, thresholds = self.settings["views"], self.settings["thresholds"]
        findings = [find(self._rows, self.pixels(image), grid, views)[0] for image in images]
        return detections.predictions(images, self.classes, findings, thresholds, grid)

    def _rows(self, pixels: np.ndarray) -> list[Rows]:
        return [{name: values[0] for name, values in self.network(pixels).items()}]


def _is_views(value: Any) -> bool:
    return is_count(value) and value in (1, 2, 4, 8)


def _is_thresholds(value: Any) -> bool:
    return table_of(is_share)(value) and {*value} == {"name", "pixel"}


NEEDED: dict[str, dict[str, Check]] = {  # of the settings of each kind
    "classifier": {"threshold": is_share},
    "mask_rcnn": {"views": _is_views, "thresholds": _is_thresholds},
}
JUDGES: dict[str, Callable[..., Any]] = {"classifier": ClassifierJudge, "mask_rcnn": DetectorJudge}


def load(folder: Path, about: About, threads: int) -> Any:
    """The judge in an exported bundle.

    Raises:
        InputError: its kind or its runtime is unknown or not installed, or a file is damaged.
    """
    if not (folder / SETTINGS).is_file() and about.kind == "bovw":  # which has no network
        from anomaly.model.bovw import load as load_bovw

        return load_bovw(folder, NoCache())
    if about.kind not in JUDGES:
        raise InputError(f"{folder} holds a model of kind {about.kind!r}, which this version lacks")
    size, settings = _settings(folder / SETTINGS, about.kind)
    network = load_network(about.runtime, folder, threads)
    return JUDGES[about.kind](network, tuple(about.classes), size, settings)


def _settings(file: Path, kind: str) -> tuple[int, dict[str, Any]]:
    """The size of the network's input, and what its judge needs; each value is one that it can be."""
    try:
        content = json.loads(file.read_text())
        size, settings = content["size"], content["settings"]
        if is_side(size) and all(holds(settings[name]) for name, holds in NEEDED[kind].items()):
            return size, settings
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise InputError(f"{file} is damaged, or of another kind of model; copy it again")


def check(judge: Any, about: About, where: str) -> None:
    """Ask a judge about the drawn photos whose answers came with it.

    Raises:
        InputError: it answers otherwise or not at all, or no answers came with it.
    """
    if not about.golden:
        raise InputError(
            f"the bundle {where} lacks its answers about drawn photos; export it again"
        )
    try:
        golden.check(judge, about.grid, about.golden, where)
    except InputError:
        raise
    except Exception as error:  # a network of other inputs or outputs: each runtime has its errors
        raise InputError(
            f"the bundle {where} cannot be used: its network and its settings do not fit each other"
            f" ({first_line(error)}); copy it again, or export it again"
        ) from None
