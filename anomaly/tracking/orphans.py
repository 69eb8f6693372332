"""Runs whose process on this machine is gone: killed, they could not say so themselves."""

from __future__ import annotations

import logging
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from anomaly.errors import InputError
from anomaly.runtime import process
from anomaly.tracking.read import pages
from anomaly.tracking.record import read_record
from anomaly.tracking.sending import send

log = logging.getLogger(__name__)


def end(client: MlflowClient, experiment: str, below: str = "", own: bool = False) -> None:
    """They are not RUNNING but KILLED; one with all of its results on disk is sent from there.

    Args:
        below: the id of a sweep's run, where its jobs alone are meant.
        own: this process has no run under way any more either.
    """
    query = "attributes.status = 'RUNNING'"
    if below:
        query += f" and tags.mlflow.parentRunId = '{below}'"
    for run in pages(client, [experiment], query):
        of = run.data.tags.get("process", "")
        ended = process.gone(of) or (own and of == process.this())
        if ended and not _sent(run):
            client.set_terminated(run.info.run_id, "KILLED")


def _sent(run: Run) -> bool:
    folder = Path(run.data.tags.get("folder", ""))
    try:
        whole = read_record(folder).status == "FINISHED"
    except (OSError, ValueError, TypeError):  # it left no record
        return False
    try:
        return whole and send(folder) == run.info.run_id
    except (InputError, OSError) as error:  # whoever comes after it need not suffer for that
        log.warning("the results of a killed run stay in %s: %s", folder, error)
        return False
