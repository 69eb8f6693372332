"""What a run left besides figures: the class it predicted for each test image, and pictures."""

from __future__ import annotations

import csv
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anomaly.errors import InputError
from anomaly.report.pictures import jpeg_uri, png_uri
from anomaly.tracking.disk.predictions import read_called
from anomaly.tracking.read import files

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREDICTIONS, SPLIT = "predictions/test.npz", "split.csv"
CONFUSION, WORST = "plots/test_confusion.png", "plots/test_worst.png"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Artifacts:
    """Empty, or None, where the run has no such file or it is damaged."""

    predicted: Mapping[str, str]  # {test image: its predicted class}
    confusion: str | None  # data URIs of the pictures
    worst: str | None


def read(client: MlflowClient, run_id: str) -> Artifacts:
    """The artifacts of a run.

    Raises:
        InputError: the store cannot be read.
    """
    with files(client, run_id, (PREDICTIONS, CONFUSION, WORST)) as paths:
        return Artifacts(
            _predicted(paths.get(PREDICTIONS), run_id),
            png_uri(paths.get(CONFUSION)),
            jpeg_uri(paths.get(WORST)),
        )


def true_classes(
    client: MlflowClient, runs: Iterable[str], images: Collection[str]
) -> dict[str, str]:
    """{image: its true class} of these images and others, from the first runs that list them.

    Every split.csv lists all images of its category, but pooled runs have none.

    Raises:
        InputError: the store cannot be read.
    """
    known: dict[str, str] = {}
    for run_id in runs:
        if known.keys() >= set(images):
            break
        with files(client, run_id, (SPLIT,)) as paths:
            known |= _listed(paths.get(SPLIT), run_id)
    return known


def correctness(predicted: Mapping[str, str], known: Mapping[str, str]) -> dict[str, bool]:
    """{test image: whether its predicted class is the true one}; empty if one is not known."""
    if not predicted.keys() <= known.keys():
        return {}
    return {image: name == known[image] for image, name in predicted.items()}


def _predicted(path: Path | None, run_id: str) -> Mapping[str, str]:
    try:
        return read_called(path) if path else {}
    except InputError as error:
        log.warning("run %s is not compared: %s", run_id, error)
        return {}


def _listed(path: Path | None, run_id: str) -> dict[str, str]:
    try:
        return _classes(path.read_text(encoding="utf-8").splitlines()) if path else {}
    except (KeyError, ValueError, csv.Error):
        log.warning("the split.csv of run %s is damaged", run_id)
        return {}


def _classes(lines: Sequence[str]) -> dict[str, str]:
    return {row["file"]: row["class"] for row in csv.DictReader(lines)}
