"""A training's state on disk: whole or not at all, one process at a time."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.training.checkpoint import Checkpoint, State


def state() -> State:
    arrays = {
        "weights": [np.arange(6.0).reshape(2, 3), np.float32([1])],
        "optimizer": [],
        "best": [],
    }
    return State([{"loss": 1.5}, {"loss": 0.5, "val_map": 0.25}], arrays, 0.25)


def test_what_was_written_is_read(tmp_path):
    Checkpoint(tmp_path, "a").write(state())
    again = Checkpoint(tmp_path / "..." / "..", "b")
    assert again.read() is None
    own = Checkpoint(tmp_path, "c")
    own.write(state())
    read = own.read()
    assert (read.epochs, read.best) == (state().epochs, state().best)
    assert [a.tolist() for a in read.arrays["weights"]] == [
        a.tolist() for a in state().arrays["weights"]
    ]
    assert read.arrays["optimizer"] == []


def test_a_damaged_file_begins_anew_and_says_so(tmp_path, caplog):
    own = Checkpoint(tmp_path, "a")
    own.write(state())
    assert own.exists()
    own.path.write_bytes(own.path.read_bytes()[:100])
    assert own.read() is None
    assert "cannot be read" in caplog.text


def test_a_second_process_with_the_same_training_does_without(tmp_path):
    first = Checkpoint(tmp_path, "a")
    second = Checkpoint(tmp_path, "a")
    first.write(state())
    second.write(State())
    assert second.read() is None
    assert first.read().epochs == state().epochs


def test_of_a_training_that_ended_nothing_is_left(tmp_path):
    own = Checkpoint(tmp_path / "deep", "a")
    own.write(state())
    own.done()
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_full_disk_stops_no_training(tmp_path, caplog, monkeypatch):
    own = Checkpoint(tmp_path, "a")
    own.write(State([{"loss": 9.0}], {}, 0.0))
    assert own.exists()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    own.write(state())
    assert own.read().epochs == [{"loss": 9.0}]
    assert "No space left on device" in caplog.text


@pytest.mark.parametrize("best", [-np.inf, 0.0])
def test_a_figure_that_is_not_there_yet_is_kept_as_well(best, tmp_path):
    own = Checkpoint(tmp_path, "a")
    own.write(State([], {}, best))
    assert own.read().best == best
