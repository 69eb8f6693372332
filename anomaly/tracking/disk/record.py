"""What a run records in its folder; MLflow receives a copy."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from anomaly.runtime.files import write_text

RECORD, EPOCHS = "run.json", "epochs.csv"


@dataclass(frozen=True)
class Record:
    """Everything about a run except its curves and files. Times are milliseconds since 1970."""

    uri: str
    experiment: str
    run_id: str
    name: str
    output: str
    start_time: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float] = field(default_factory=dict)
    status: str = "RUNNING"
    end_time: int | None = None

    def write(self, folder: Path, **changes: Any) -> Record:
        """This record with some values changed, written to the run's folder as a whole."""
        record = replace(self, **changes)
        write_text(folder / RECORD, json.dumps(asdict(record), indent=2))
        return record


def read_record(folder: Path) -> Record:
    """The record in a run's folder.

    Raises:
        OSError, ValueError, TypeError: it is missing or damaged.
    """
    return Record(**json.loads((folder / RECORD).read_text()))


def append_epoch(folder: Path, time: int, epoch: int, values: Mapping[str, float]) -> None:
    """Add the figures of one epoch to the run's curves."""
    with (folder / EPOCHS).open("a", newline="") as file:
        csv.writer(file).writerows([(time, epoch, k, repr(float(v))) for k, v in values.items()])


def read_epochs(folder: Path) -> list[tuple[int, int, str, float]]:
    """(time, epoch, key, value) of every figure, in the order of training."""
    path = folder / EPOCHS
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [(int(t), int(e), key, float(v)) for t, e, key, v in csv.reader(file)]


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """{key: [(epoch, value), ...]} of a run's folder."""
    by_key: dict[str, list[tuple[int, float]]] = {}
    for _, epoch, key, value in read_epochs(folder):
        by_key.setdefault(key, []).append((epoch, value))
    return by_key
