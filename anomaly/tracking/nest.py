"""A file in a sweep's folder, by which each job finds the MLflow run that it is nested under."""

from __future__ import annotations

import json
from pathlib import Path

from anomaly.runtime.files import write_text
from anomaly.tracking.names import PARENT

FILE = "sweep.json"


def write_parent(folder: Path, run_id: str) -> None:
    """Leave the id of the sweep's run for its jobs, which may be other processes."""
    write_text(folder / FILE, json.dumps({"run_id": run_id}))


def parent_of(sweep: str | None) -> dict[str, str]:
    """The tag that nests a job under the run of its sweep; {} without a sweep."""
    try:
        return {PARENT: json.loads((Path(sweep or "") / FILE).read_text())["run_id"]}
    except (OSError, ValueError, KeyError):  # not a sweep of ours, or on another machine's disk
        return {}
