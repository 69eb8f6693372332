"""Runs whose process on this machine was killed: MLflow still calls them RUNNING."""

from __future__ import annotations

import logging
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from anomaly.errors import InputError
from anomaly.runtime import process
from anomaly.tracking.disk.record import read_record
from anomaly.tracking.names import PARENT
from anomaly.tracking.read import pages
from anomaly.tracking.sending import send

log = logging.getLogger(__name__)


def end(client: MlflowClient, experiment: str, below: str = "", mine: bool = False) -> None:
    """Mark them as KILLED, but send one whose results are all on disk.

    Args:
        experiment: its id.
        below: the id of a sweep's run; only its jobs are ended then.
        mine: this process has no run under way any more, so end its runs as well.
    """
    query = "attributes.status = 'RUNNING'"
    if below:
        query += f" and tags.{PARENT} = '{below}'"
    for run in pages(client, [experiment], query):
        owner = run.data.tags.get("process", "")
        ended = process.gone(owner) or (mine and owner == process.this())
        if ended and not _sent(run):
            client.set_terminated(run.info.run_id, "KILLED")


def _sent(run: Run) -> bool:
    """Whether its folder holds a finished run, which is in MLflow now."""
    folder = Path(run.data.tags.get("folder", ""))
    try:
        finished = read_record(folder).status == "FINISHED"
    except (OSError, ValueError, TypeError):  # it left no record
        return False
    try:
        return finished and send(folder) == run.info.run_id
    except (InputError, OSError) as error:  # no reason to stop the run that is about to start
        log.warning("the results of a killed run stay in %s: %s", folder, error)
        return False
