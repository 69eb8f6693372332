"""What is on disk is in the store, wherever a run was interrupted."""

from __future__ import annotations

from contextlib import suppress

import pytest
from mlflow import MlflowClient

from anomaly.tracking.record import append_epoch, read_epochs
from anomaly.tracking.run import start

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")


def test_an_epoch_that_was_written_but_not_yet_told_is_sent_at_the_end(tmp_path):
    uri, folder = f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "run"
    folder.mkdir()
    told_to = start(uri, tmp_path, folder, experiment="demo", name="x", params={}, tags={})
    with suppress(KeyboardInterrupt), told_to as tracker:
        tracker.epoch(0, {"loss": 2.0})
        append_epoch(folder, 1, 1, {"loss": 1.0})
        raise KeyboardInterrupt  # as Ctrl-C does, wherever it finds the program
    history = MlflowClient(uri).get_metric_history(tracker.record.run_id, "epoch/loss")
    told = sorted((metric.step, metric.value) for metric in history)
    assert told == [(epoch, value) for _, epoch, _, value in read_epochs(folder)]
    assert told == [(0, 2.0), (1, 1.0)]
