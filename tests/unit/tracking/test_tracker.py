"""What is on disk is in the store, wherever a run was interrupted."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

import pytest
from mlflow import MlflowClient

from anomaly.errors import InputError
from anomaly.runtime import process
from anomaly.tracking.disk.record import Record, append_epoch, read_epochs
from anomaly.tracking.run import start
from anomaly.tracking.store import store_at

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")


def test_an_epoch_that_was_written_but_not_yet_sent_is_sent_at_the_end(tmp_path):
    store, folder = store_at(tmp_path), tmp_path / "run"
    folder.mkdir()
    run = start(store, folder, experiment="demo", name="x", params={}, tags={})
    with suppress(KeyboardInterrupt), run as tracker:
        tracker.epoch(0, {"loss": 2.0})
        append_epoch(folder, 1, 1, {"loss": 1.0})
        raise KeyboardInterrupt  # as Ctrl-C does, wherever it finds the program
    history = MlflowClient(store.uri).get_metric_history(tracker.record.run_id, "epoch/loss")
    sent = sorted((metric.step, metric.value) for metric in history)
    assert sent == [(epoch, value) for _, epoch, _, value in read_epochs(folder)]
    assert sent == [(0, 2.0), (1, 1.0)]


HOST = process.this().rpartition(":")[0]


def begin(tmp_path, **tags: str):
    (tmp_path / "run").mkdir(exist_ok=True)
    named = {"experiment": "demo", "name": "demo", "params": {}, "tags": tags}
    return start(store_at(tmp_path), tmp_path / "run", **named)


def test_a_folder_that_holds_a_finished_run_takes_no_other(tmp_path):
    with begin(tmp_path) as tracker:
        tracker.epoch(0, {"loss": 1.0})
        tracker.finish({"test/accuracy": 0.5})
    before = sorted((path.name, path.read_bytes()) for path in (tmp_path / "run").iterdir())
    with (
        pytest.raises(
            InputError, match=f"holds the results of run {tracker.record.run_id}; delete"
        ),
        begin(tmp_path),
    ):
        pass
    assert sorted((path.name, path.read_bytes()) for path in (tmp_path / "run").iterdir()) == before


def dead() -> str:
    """A process of this machine that has ended."""
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           capture_output=True, text=True, check=True)  # fmt: skip
    return f"{HOST}:{ended.stdout.strip()}"


def test_what_a_killed_run_left_in_its_folder_is_deleted_and_its_run_is_ended(tmp_path):
    never_ended = begin(tmp_path, process=dead())
    killed = never_ended.__enter__()
    killed.epoch(0, {"loss": 1.0})
    with begin(tmp_path, process=process.this()) as tracker:
        tracker.epoch(0, {"loss": 2.0})
        tracker.finish({})
    client, run_id = tracker.client, tracker.record.run_id
    assert client.get_run(killed.record.run_id).info.status == "KILLED"
    assert [m.value for m in client.get_metric_history(run_id, "epoch/loss")] == [2.0]


def test_a_folder_that_a_living_process_writes_to_is_refused(tmp_path):
    running = begin(tmp_path, process=f"{HOST}:{os.getppid()}")
    run_id = running.__enter__().record.run_id
    with pytest.raises(InputError, match=f"run {run_id} is still running in"), begin(tmp_path):
        pass


def test_a_killed_run_whose_results_cannot_be_sent_stops_no_other(tmp_path):
    (left := tmp_path / "left").mkdir()
    client, experiment = store_at(tmp_path).connect("demo")
    tags = {"process": dead(), "folder": str(left)}
    run_id = client.create_run(experiment, tags=tags).info.run_id
    (tmp_path / "damaged.db").write_text("no database")
    Record(
        f"sqlite:///{tmp_path}/damaged.db",
        "demo",
        run_id,
        "x",
        str(tmp_path),
        0,
        {},
        tags,
        {},
        "FINISHED",
    ).write(left)
    with begin(tmp_path, process=process.this()) as tracker:
        tracker.finish({})
    assert client.get_run(run_id).info.status == "KILLED"
