"""What a run left besides figures: what it called each test image, and its pictures."""

from __future__ import annotations

import csv
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anomaly.errors import InputError
from anomaly.report.pictures import drawing, photograph
from anomaly.tracking.predictions import read_called
from anomaly.tracking.read import files

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREDICTIONS, SPLIT = "predictions/test.npz", "split.csv"
CONFUSION, WORST = "plots/test_confusion.png", "plots/test_worst.png"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evidence:
    """Empty, or None, where the run has no such file or it is damaged."""

    called: Mapping[str, str]  # {test image: the class it was called}
    confusion: str | None  # data URIs of the pictures
    worst: str | None


def read(client: MlflowClient, run_id: str) -> Evidence:
    """The evidence of a run.

    Raises:
        InputError: the store cannot be read.
    """
    with files(client, run_id, (PREDICTIONS, CONFUSION, WORST)) as found:
        return Evidence(
            _called(found.get(PREDICTIONS), run_id),
            drawing(found.get(CONFUSION)),
            photograph(found.get(WORST)),
        )


def truth(client: MlflowClient, runs: Iterable[str], images: Collection[str]) -> dict[str, str]:
    """{image: its class} of these images and others, from the first runs that list them.

    Every split.csv lists all images of its category, but pooled runs have none.

    Raises:
        InputError: the store cannot be read.
    """
    known: dict[str, str] = {}
    for run_id in runs:
        if known.keys() >= set(images):
            break
        with files(client, run_id, (SPLIT,)) as found:
            known |= _truth(found.get(SPLIT), run_id)
    return known


def right(called: Mapping[str, str], true: Mapping[str, str]) -> dict[str, bool]:
    """{test image: named right}; empty where the class of an image is not known."""
    if not called.keys() <= true.keys():
        return {}
    return {image: name == true[image] for image, name in called.items()}


def _called(path: Path | None, run_id: str) -> Mapping[str, str]:
    try:
        return read_called(path) if path else {}
    except InputError as error:
        log.warning("run %s is not compared: %s", run_id, error)
        return {}


def _truth(path: Path | None, run_id: str) -> dict[str, str]:
    try:
        return _classes(path.read_text(encoding="utf-8").splitlines()) if path else {}
    except (KeyError, ValueError, csv.Error):
        log.warning("the split.csv of run %s is damaged", run_id)
        return {}


def _classes(lines: Sequence[str]) -> dict[str, str]:
    return {row["file"]: row["class"] for row in csv.DictReader(lines)}
