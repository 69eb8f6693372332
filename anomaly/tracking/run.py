"""A run in MLflow, from its start to its end; what MLflow cannot take waits on disk."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from anomaly.errors import InputError, Pruned, Unsent
from anomaly.runtime import process
from anomaly.tracking import orphans
from anomaly.tracking.record import EPOCHS, Record, append_epoch, read_record
from anomaly.tracking.sending import epochs, log_metrics, log_start, now, send_results
from anomaly.tracking.store import connect, reason, refusal

log = logging.getLogger(__name__)
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
        append_epoch(self.folder, now(), epoch, values)
        if time.monotonic() - self._sent > PAUSE:
            self._flush()

    def finish(self, metrics: Mapping[str, float]) -> None:
        """Record the final figures and send everything in the run's folder.

        Raises:
            Unsent: the server took not all of it; the sentence says how to send it later.
        """
        self.record = self.record.write(
            self.folder, metrics=dict(metrics), status="FINISHED", end_time=now()
        )
        self._flush()
        if not self.lost:
            self._attempt(lambda: send_results(self.client, self.record, self.folder))
        if self.lost:
            raise Unsent(
                f"the tracking store {self.record.uri} does not answer; nothing is lost: all"
                f" results are in {self.folder}; when it is back, log them with\n"
                f"  python -m anomaly.tracking {self.folder}"
            )

    def end(self, status: str) -> None:
        """Give a run that did not finish its status, on disk and in MLflow."""
        self.record = self.record.write(self.folder, status=status, end_time=now())
        self._flush()
        if not self.lost:
            self._attempt(lambda: self.client.set_terminated(self.record.run_id, status))

    def _flush(self) -> None:
        """Send what the store has not yet: read from disk, an interruption loses none of it."""
        self._sent = time.monotonic()
        waiting = [] if self.lost else epochs(self.folder)[self._told :]
        self._attempt(lambda: log_metrics(self.client, self.record.run_id, waiting))
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
    """A tracker for a new run, which ends as FAILED or KILLED where `finish` is not reached.

    Raises:
        InputError: the store does not answer, or the folder is that of a run that has finished or
            is under way.
    """
    _make_way(folder)
    client, experiment_id = connect(uri, output, experiment)
    try:
        orphans.end(client, experiment_id)
        run = client.create_run(experiment_id, tags=dict(tags), run_name=name)
    except MlflowException as error:
        raise InputError(refusal(uri, error)) from None
    texts = {key: str(value) for key, value in params.items()}
    record = Record(
        uri, experiment, run.info.run_id, name, str(output), run.info.start_time, texts, dict(tags)
    ).write(folder)
    tracker = Tracker(client, record, folder)
    try:
        tracker._attempt(lambda: log_start(client, record))
        yield tracker
    except (KeyboardInterrupt, Pruned):
        tracker.end("KILLED")
        raise
    except BaseException:
        if tracker.record.status != "FINISHED":
            tracker.end("FAILED")
        raise


def _make_way(folder: Path) -> None:
    """A folder is of one run: results that are there stay, and what was cut off makes way."""
    try:
        before = read_record(folder)
    except (OSError, ValueError, TypeError):
        return
    if before.status == "FINISHED":
        raise InputError(
            f"{folder} holds the results of run {before.run_id}; delete them, or let this run write"
            " elsewhere: leave out hydra.run.dir and hydra.sweep.subdir, or give others"
        )
    writer = before.tags.get("process", "")
    if before.status == "RUNNING" and process.lives(writer) and writer != process.this():
        raise InputError(
            f"run {before.run_id} is under way in {folder}; give this one another folder"
        )
    (folder / EPOCHS).unlink(missing_ok=True)
    shutil.rmtree(folder / "model", ignore_errors=True)
