"""A run in MLflow, from its start to its end; what MLflow does not take stays on disk."""

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
from anomaly.tracking.disk.record import EPOCHS, Record, append_epoch, read_record
from anomaly.tracking.refusal import reason
from anomaly.tracking.sending import epochs, log_metrics, log_start, now, send_results
from anomaly.tracking.store import Store

log = logging.getLogger(__name__)
PAUSE = 10.0  # seconds between two calls while a training runs


class Tracker:
    """Records figures as they come. Disk first: a lost server costs nothing but its live view."""

    def __init__(self, client: MlflowClient, record: Record, folder: Path) -> None:
        self.client = client
        self.record = record
        self.folder = folder
        self.lost = False
        self._sent = 0  # how many of the epochs' figures on disk the store has
        self._last_sent = time.monotonic()

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        """Record the figures of one epoch, as `epoch/...`."""
        append_epoch(self.folder, now(), epoch, values)
        if time.monotonic() - self._last_sent > PAUSE:
            self._flush()

    def finish(self, metrics: Mapping[str, float]) -> None:
        """Record the final figures and send everything in the run's folder.

        Raises:
            Unsent: the server did not take all of it; the sentence says how to send it later.
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
        """Set the status of a run that did not finish, on disk and in MLflow."""
        self.record = self.record.write(self.folder, status=status, end_time=now())
        self._flush()
        if not self.lost:
            self._attempt(lambda: self.client.set_terminated(self.record.run_id, status))

    def _flush(self) -> None:
        """Send the figures that the store lacks, from disk: an interruption loses none of them."""
        self._last_sent = time.monotonic()
        waiting = [] if self.lost else epochs(self.folder)[self._sent :]
        self._attempt(lambda: log_metrics(self.client, self.record.run_id, waiting))
        self._sent += len(waiting)

    def _attempt(self, send) -> None:
        try:
            send()
        except (MlflowException, OSError) as error:
            self.lost = True
            log.warning(
                "the tracking store does not answer any more (%s); the run goes on", reason(error)
            )


@contextmanager
def start(
    store: Store,
    folder: Path,
    *,
    experiment: str,
    name: str,
    params: Mapping[str, object],
    tags: Mapping[str, str],
) -> Iterator[Tracker]:
    """A tracker for a new run, which ends as FAILED or KILLED where `finish` is not reached.

    Raises:
        InputError: the store does not answer, or the folder belongs to a run that has finished or
            is still running.
    """
    _clear(folder)
    client, record = _begin(store, experiment, name, params, tags)
    tracker = Tracker(client, record.write(folder), folder)
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


def _begin(
    store: Store,
    experiment: str,
    name: str,
    params: Mapping[str, object],
    tags: Mapping[str, str],
) -> tuple[MlflowClient, Record]:
    """Create the run in MLflow; returns a client and the run's record."""
    client, experiment_id = store.connect(experiment)
    with store.answering():
        orphans.end(client, experiment_id)
        run = client.create_run(experiment_id, tags=dict(tags), run_name=name)
    record = Record(
        uri=store.uri,
        experiment=experiment,
        run_id=run.info.run_id,
        name=name,
        output=str(store.output),
        start_time=run.info.start_time,
        params={key: str(value) for key, value in params.items()},
        tags=dict(tags),
    )
    return client, record


def _clear(folder: Path) -> None:
    """Delete what an interrupted run left; a folder with results, or in use, is refused."""
    try:
        before = read_record(folder)
    except (OSError, ValueError, TypeError):
        return
    if before.status == "FINISHED":
        raise InputError(
            f"{folder} holds the results of run {before.run_id}; delete them, or let this run write"
            " elsewhere: leave out hydra.run.dir and hydra.sweep.subdir, or set them to another folder"
        )
    writer = before.tags.get("process", "")
    if before.status == "RUNNING" and process.lives(writer) and writer != process.this():
        raise InputError(
            f"run {before.run_id} is still running in {folder}; set another folder for this one"
        )
    (folder / EPOCHS).unlink(missing_ok=True)
    shutil.rmtree(folder / "model", ignore_errors=True)
