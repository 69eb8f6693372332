"""Finds runs by their tags and loads what they predicted."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlflow.entities import Run

from anomaly.tracking.predictions import read_predictions
from anomaly.tracking.store import connect
from anomaly.types import Predictions


def finished_runs(uri: str, output: Path, experiment: str, tags: Mapping[str, str]) -> list[Run]:
    """The FINISHED runs that carry all the tags, the newest first."""
    client, experiment_id = connect(uri, output, experiment)
    wanted = ["attributes.status = 'FINISHED'"]
    wanted += [f"tags.`{key}` = '{value}'" for key, value in tags.items()]
    order = ["attributes.start_time DESC"]
    return list(client.search_runs([experiment_id], " and ".join(wanted), order_by=order))


def predictions_of(uri: str, output: Path, run: Run, part: str) -> Predictions:
    """What a run predicted for a part (val or test).

    Raises:
        InputError: the file is missing or damaged.
    """
    client, _ = connect(uri, output, "Default")
    with tempfile.TemporaryDirectory() as folder:
        path = client.download_artifacts(run.info.run_id, f"predictions/{part}.npz", folder)
        return read_predictions(Path(path))
