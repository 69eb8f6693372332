"""The snapshot of a training on disk: complete or absent, and for one process at a time."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.training.checkpoint import Checkpoint
from anomaly.model.training.state import Snapshot


def snapshot() -> Snapshot:
    arrays = {
        "weights": [np.arange(6.0).reshape(2, 3), np.float32([1])],
        "optimizer": [],
        "best": [],
    }
    return Snapshot([{"loss": 1.5}, {"loss": 0.5, "val_map": 0.25}], arrays, 0.25)


def test_what_was_written_is_read(tmp_path):
    Checkpoint(tmp_path, "a").write(snapshot())
    other = Checkpoint(tmp_path / "..." / "..", "b")
    assert other.read() is None
    checkpoint = Checkpoint(tmp_path, "c")
    checkpoint.write(snapshot())
    read = checkpoint.read()
    assert (read.epochs, read.best_loss) == (snapshot().epochs, snapshot().best_loss)
    assert [a.tolist() for a in read.arrays["weights"]] == [
        a.tolist() for a in snapshot().arrays["weights"]
    ]
    assert read.arrays["optimizer"] == []


def test_a_damaged_file_is_logged_and_training_starts_over(tmp_path, caplog):
    checkpoint = Checkpoint(tmp_path, "a")
    checkpoint.write(snapshot())
    assert checkpoint.exists()
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:100])
    assert checkpoint.read() is None
    assert "cannot be read" in caplog.text and "training starts over" in caplog.text


def test_a_second_process_with_the_same_training_has_no_checkpoint(tmp_path):
    first = Checkpoint(tmp_path, "a")
    second = Checkpoint(tmp_path, "a")
    first.write(snapshot())
    second.write(Snapshot())
    assert second.read() is None
    assert first.read().epochs == snapshot().epochs


def test_of_a_finished_training_nothing_remains(tmp_path):
    checkpoint = Checkpoint(tmp_path / "deep", "a")
    checkpoint.write(snapshot())
    checkpoint.delete()
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_full_disk_does_not_stop_a_training(tmp_path, caplog, monkeypatch):
    checkpoint = Checkpoint(tmp_path, "a")
    checkpoint.write(Snapshot([{"loss": 9.0}], {}, 0.0))
    assert checkpoint.exists()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    checkpoint.write(snapshot())
    assert checkpoint.read().epochs == [{"loss": 9.0}]
    assert "No space left on device" in caplog.text


@pytest.mark.parametrize("best_loss", [np.inf, -np.inf, 0.0])
def test_an_infinite_loss_is_kept_as_well(best_loss, tmp_path):
    checkpoint = Checkpoint(tmp_path, "a")
    checkpoint.write(Snapshot([], {}, best_loss))
    assert checkpoint.read().best_loss == best_loss
