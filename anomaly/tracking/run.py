"""A run in MLflow, from its start to its end; what MLflow cannot take waits on disk."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from anomaly.tracking.record import Record, append_epoch, read_epochs, read_record
from anomaly.tracking.store import connect, reason, refusal
from anomaly.types import InputError, Pruned

log = logging.getLogger(__name__)
BATCH = 1000  # metrics in one call, MLflow's limit
PAUSE = 10.0  # seconds between two calls while a training runs


class Tracker:
    """Takes figures as they come. Disk first: a lost server costs nothing but its live view."""

    def __init__(self, client: MlflowClient, record: Record, folder: Path) -> None:
        self.client = client
        self.record = record
        self.folder = folder
        self.lost = False
        self._told = 0  # figures of epochs that the store has, of those on disk
        self._sent = time.monotonic()

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Record the figures of one epoch, as `epoch/...`."""
        append_epoch(self.folder, _now(), epoch, values)
        if time.monotonic() - self._sent > PAUSE:
            self._flush()

    def finish(self, metrics: Mapping[str, float]) -> None:
        """Record the final figures and send everything in the run's folder.

        Raises:
            InputError: the server took not all of it; the sentence says how to send it later.
        """
        self.record = self.record.write(
            self.folder, metrics=dict(metrics), status="FINISHED", end_time=_now()
        )
        self._flush()
        if not self.lost:
            self._attempt(lambda: _send_results(self.client, self.record, self.folder))
        if self.lost:
            raise InputError(
                f"the tracking store {self.record.uri} does not answer; nothing is lost: all"
                f" results are in {self.folder}; when it is back, log them with\n"
                f"  python -m anomaly.tracking {self.folder}"
            )

    def end(self, status: str) -> None:
        """Give a run that did not finish its status, on disk and in MLflow."""
        self.record = self.record.write(self.folder, status=status, end_time=_now())
        self._flush()
        if not self.lost:
            self._attempt(lambda: self.client.set_terminated(self.record.run_id, status))

    def _flush(self) -> None:
        """Send what the store has not yet: read from disk, an interruption loses none of it."""
        self._sent = time.monotonic()
        waiting = [] if self.lost else _epochs(self.folder)[self._told :]
        self._attempt(lambda: _log_metrics(self.client, self.record.run_id, waiting))
        self._told += len(waiting)

    def _attempt(self, send) -> None:
        try:
            send()
        except (MlflowException, OSError) as error:
            self.lost = True
            log.warning("the tracking store stopped answering (%s); going on", reason(error))


@contextmanager
def start(
    uri: str,
    output: Path,
    folder: Path,
    *,
    experiment: str,
    name: str,
    params: Mapping[str, object],
    tags: Mapping[str, str],
) -> Iterator[Tracker]:
    """A tracker for a new run, which ends as FAILED or KILLED where `finish` is not reached."""
    client, experiment_id = connect(uri, output, experiment)
    try:
        run = client.create_run(experiment_id, tags=dict(tags), run_name=name)
    except MlflowException as error:
        raise InputError(refusal(uri, error)) from None
    texts = {key: str(value) for key, value in params.items()}
    record = Record(
        uri, experiment, run.info.run_id, name, str(output), run.info.start_time, texts, dict(tags)
    ).write(folder)
    tracker = Tracker(client, record, folder)
    try:
        tracker._attempt(lambda: _log_start(client, record))
        yield tracker
    except (KeyboardInterrupt, Pruned):
        tracker.end("KILLED")
        raise
    except BaseException:
        if tracker.record.status != "FINISHED":
            tracker.end("FAILED")
        raise


def send(folder: Path, uri: str | None = None) -> str:
    """Log a run's folder to MLflow, in the run it began or in a new one; returns the run's id.

    Raises:
        InputError: the folder holds no run, or the store cannot be used.
    """
    try:
        record = read_record(folder)
    except (OSError, ValueError, TypeError):
        raise InputError(f"{folder} holds no run: its run.json is missing or damaged") from None
    client, experiment_id = connect(uri or record.uri, Path(record.output), record.experiment)
    try:
        run_id = _known_run(client, record)
        if run_id is None:
            run = client.create_run(experiment_id, record.start_time, run_name=record.name)
            run_id = run.info.run_id
        record = record.write(folder, run_id=run_id, uri=uri or record.uri)
        _log_start(client, record)
        _log_metrics(client, run_id, _epochs(folder))
        _send_results(client, record, folder)
    except MlflowException as error:
        raise InputError(f"cannot log {folder}: {reason(error)}") from None
    return run_id


def _epochs(folder: Path) -> list[Metric]:
    return [Metric(f"epoch/{k}", v, t, e) for t, e, k, v in read_epochs(folder)]


def _known_run(client: MlflowClient, record: Record) -> str | None:
    try:
        return client.get_run(record.run_id).info.run_id
    except MlflowException:
        return None


def _log_start(client: MlflowClient, record: Record) -> None:
    params = [Param(key, value[:6000]) for key, value in record.params.items()]
    tags = [RunTag(key, value) for key, value in record.tags.items()]
    for i in range(0, len(params), 100):  # MLflow's limit for one call
        client.log_batch(record.run_id, params=params[i : i + 100])
    client.log_batch(record.run_id, tags=tags)


def _log_metrics(client: MlflowClient, run_id: str, metrics: list[Metric]) -> None:
    for i in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[i : i + BATCH])


def _send_results(client: MlflowClient, record: Record, folder: Path) -> None:
    end = record.end_time or _now()
    finals = [Metric(key, value, end, 0) for key, value in record.metrics.items()]
    _log_metrics(client, record.run_id, finals)
    for item in sorted(folder.iterdir()):
        if item.is_dir():
            client.log_artifacts(record.run_id, str(item), item.name)
        else:
            client.log_artifact(record.run_id, str(item))
    client.set_terminated(record.run_id, record.status, end)


def _now() -> int:
    return int(time.time() * 1000)
