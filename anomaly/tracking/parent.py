"""The run that stands for a whole sweep, above the runs of its jobs."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from mlflow.entities import Run, RunTag
from mlflow.exceptions import MlflowException

from anomaly.tracking.find import finished_runs
from anomaly.tracking.read import pages
from anomaly.tracking.record import read_record
from anomaly.tracking.run import send
from anomaly.tracking.store import connect, refusal
from anomaly.types import InputError


def done_before(uri: str, output: Path, experiment: str) -> dict[str, Run]:
    """{identity: the newest finished run of it}."""
    runs = reversed(finished_runs(uri, output, experiment, {}))
    named = ((run.data.tags.get("identity"), run) for run in runs)
    own = ("member", "ensemble")
    return {name: run for name, run in named if name and run.data.tags.get("role") in own}


def open_parent(uri: str, output: Path, experiment: str, name: str, tags: Mapping[str, str]) -> str:
    """The id of the sweep's run: that of the same sweep before, by tag `jobs`, or a new one.

    Raises:
        InputError: the store does not answer.
    """
    client, experiment_id = connect(uri, output, experiment)
    try:
        same = f"tags.jobs = '{tags['jobs']}' and tags.role = 'sweep'"
        found = client.search_runs([experiment_id], same, max_results=1)
        run = found[0] if found else client.create_run(experiment_id, run_name=name)
        run_id = run.info.run_id
        client.update_run(run_id, status="RUNNING")
        client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
    except MlflowException as error:
        raise InputError(refusal(uri, error)) from None
    return run_id


def name_jobs(uri: str, output: Path, titles: Mapping[str, str]) -> None:
    """Add what sets each job apart to the name of its run, by id: alike they could not be told apart.

    Raises:
        InputError: the store does not answer.
    """
    client, _ = connect(uri, output, "Default")
    try:
        for run_id, title in titles.items():
            name = str(client.get_run(run_id).info.run_name)
            if title and not name.endswith(f" {title}"):
                client.update_run(run_id, name=f"{name} {title}")
    except MlflowException as error:
        raise InputError(refusal(uri, error)) from None


def end_orphans(uri: str, output: Path, run_id: str) -> None:
    """Runs under the sweep whose process on this machine is gone are not RUNNING but KILLED.

    One that was killed, or left by its server, with all of its results on disk is sent from there.

    Raises:
        InputError: the store does not answer.
    """
    client, _ = connect(uri, output, "Default")
    try:
        experiment = client.get_run(run_id).info.experiment_id
        query = f"tags.mlflow.parentRunId = '{run_id}' and attributes.status = 'RUNNING'"
        for run in pages(client, [experiment], query):
            if _gone(run.data.tags.get("process", "")) and not _sent(run):
                client.set_terminated(run.info.run_id, "KILLED")
    except MlflowException as error:
        raise InputError(refusal(uri, error)) from None


def _sent(run: Run) -> bool:
    folder = Path(run.data.tags.get("folder", ""))
    try:
        whole = read_record(folder).status == "FINISHED"
    except (OSError, ValueError, TypeError):
        return False
    return whole and send(folder) == run.info.run_id


def _gone(process: str) -> bool:
    host, _, pid = process.rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's, so it lives
        return False
    return int(pid) == os.getpid()  # what this very process began has ended without a word


def close_parent(
    uri: str,
    output: Path,
    run_id: str,
    folder: Path,
    *,
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    status: str,
) -> None:
    """The files in `folder`, the best job's figures, and how it ended.

    Raises:
        InputError: the store does not answer.
    """
    client, _ = connect(uri, output, "Default")
    try:
        for key, value in metrics.items():
            client.log_metric(run_id, key, value)
        client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        for item in (path for path in folder.iterdir() if path.is_file()):
            client.log_artifact(run_id, str(item))  # the jobs' folders belong to their own runs
        client.set_terminated(run_id, status)
    except (MlflowException, OSError) as error:
        raise InputError(refusal(uri, error)) from None
