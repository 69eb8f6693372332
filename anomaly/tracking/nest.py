"""How the jobs of a sweep, in whatever process, find the MLflow run that they belong under."""

from __future__ import annotations

import json
from pathlib import Path

FILE = "sweep.json"  # in the sweep's folder
NESTED = "mlflow.parentRunId"  # the tag by which MLflow's UI nests runs


def write_parent(folder: Path, run_id: str) -> None:
    """Leave the id for the jobs."""
    (folder / FILE).write_text(json.dumps({"run_id": run_id}))


def parent_of(sweep: str | None) -> dict[str, str]:
    """The tag that nests a job under its sweep; none without one."""
    try:
        return {NESTED: json.loads((Path(sweep or "") / FILE).read_text())["run_id"]}
    except (OSError, ValueError, KeyError):  # no sweep of ours, or the disk of another machine
        return {}
