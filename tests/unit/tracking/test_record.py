"""What a run leaves on disk can be read again."""

from __future__ import annotations

import math

from anomaly.tracking.disk.record import Record, append_epoch, curves, read_epochs, read_record


def record() -> Record:
    params = {"seed": "0", "data.root": "/größer"}
    return Record("sqlite:///x", "bottle", "id", "name", "outputs", 5, params, {"role": "member"})


def test_a_record_is_read_as_it_was_written(tmp_path):
    written = record().write(tmp_path)
    assert read_record(tmp_path) == written


def test_changes_are_written_and_the_rest_stays(tmp_path):
    first = record().write(tmp_path)
    last = first.write(tmp_path, status="FINISHED", metrics={"val/map": 0.1}, end_time=9)
    read = read_record(tmp_path)
    assert read == last
    assert (read.status, read.metrics, read.params) == ("FINISHED", {"val/map": 0.1}, first.params)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_metric_without_a_value_survives(tmp_path):
    record().write(tmp_path, metrics={"val/auroc": float("nan")})
    assert math.isnan(read_record(tmp_path).metrics["val/auroc"])


def test_epochs_are_read_in_order_and_to_the_last_digit(tmp_path):
    for epoch in range(3):
        append_epoch(tmp_path, 100 + epoch, epoch, {"loss": 1 / (epoch + 3), "val_loss": 2.0})
    rows = read_epochs(tmp_path)
    assert rows[2:4] == [(101, 1, "loss", 1 / 4), (101, 1, "val_loss", 2.0)]
    assert curves(tmp_path)["loss"] == [(epoch, 1 / (epoch + 3)) for epoch in range(3)]


def test_a_run_without_epochs_has_no_curves(tmp_path):
    assert read_epochs(tmp_path) == []
    assert curves(tmp_path) == {}
