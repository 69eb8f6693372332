"""Sends what a run left on disk to its tracking store."""

from __future__ import annotations

import time
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from anomaly.errors import InputError
from anomaly.tracking.disk.record import Record, read_epochs, read_record
from anomaly.tracking.refusal import reason
from anomaly.tracking.store import Store

BATCH = 1000  # metrics in one call, MLflow's limit


def send(folder: Path, uri: str | None = None) -> str:
    """Log a run's folder to MLflow, as the run that it began there or as a new one; returns its id.

    Args:
        uri: a tracking store, if not the one that the run was recorded in.

    Raises:
        InputError: the folder holds no run, or the store cannot be used.
    """
    try:
        record = read_record(folder)
    except (OSError, ValueError, TypeError):
        raise InputError(f"{folder} holds no run: its run.json is missing or damaged") from None
    store = Store(uri or record.uri, Path(record.output))
    client, experiment_id = store.connect(record.experiment)
    try:
        run_id = _known_run(client, record)
        if run_id is None:
            run = client.create_run(experiment_id, record.start_time, run_name=record.name)
            run_id = run.info.run_id
        record = record.write(folder, run_id=run_id, uri=store.uri)
        log_start(client, record)
        log_metrics(client, run_id, epochs(folder))
        send_results(client, record, folder)
    except MlflowException as error:
        raise InputError(f"cannot log {folder}: {reason(error)}") from None
    return run_id


def epochs(folder: Path) -> list[Metric]:
    """The figures of all epochs on disk, as `epoch/...`, in the order of training."""
    return [Metric(f"epoch/{k}", v, t, e) for t, e, k, v in read_epochs(folder)]


def _known_run(client: MlflowClient, record: Record) -> str | None:
    try:
        return client.get_run(record.run_id).info.run_id
    except MlflowException:
        return None


def log_start(client: MlflowClient, record: Record) -> None:
    """Log the parameters and tags of a run.

    Raises:
        MlflowException: the store refuses; the same holds for the functions below.
    """
    params = [Param(key, value[:6000]) for key, value in record.params.items()]
    tags = [RunTag(key, value) for key, value in record.tags.items()]
    for i in range(0, len(params), 100):  # MLflow's limit for one call
        client.log_batch(record.run_id, params=params[i : i + 100])
    client.log_batch(record.run_id, tags=tags)


def log_metrics(client: MlflowClient, run_id: str, metrics: list[Metric]) -> None:
    """Log any number of figures."""
    for i in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[i : i + BATCH])


def send_results(client: MlflowClient, record: Record, folder: Path) -> None:
    """Log the final figures and every file of the folder, and end the run."""
    end = record.end_time or now()
    finals = [Metric(key, value, end, 0) for key, value in record.metrics.items()]
    log_metrics(client, record.run_id, finals)
    for item in sorted(folder.iterdir()):
        if item.is_dir():
            client.log_artifacts(record.run_id, str(item), item.name)
        else:
            client.log_artifact(record.run_id, str(item))
    client.set_terminated(record.run_id, record.status, end)


def now() -> int:
    """Milliseconds since 1970, as MLflow counts."""
    return int(time.time() * 1000)
