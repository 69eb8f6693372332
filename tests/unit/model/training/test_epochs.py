"""When checkpoints are written, and callbacks after each batch."""

from __future__ import annotations

import time

import keras
import numpy as np
import pytest

from anomaly.model.training.checkpoint import Checkpoint
from anomaly.model.training.epochs import EpochLog, OnBatchEnd
from anomaly.model.training.state import BestWeights, Snapshot, TrainingState

QUIETLY = {"batch_size": 4, "verbose": 0, "shuffle": False}


class Clock:
    """A clock that only the test advances."""

    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


class SlowState:
    """The state of a network whose snapshot takes `seconds`; counts the snapshots."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds, self.clock, self.snapshots = seconds, clock, 0

    def snapshot(self, epochs) -> Snapshot:
        self.clock.advance(self.seconds)
        self.snapshots += 1
        return Snapshot(list(epochs), {}, 0.0)


def epoch_log(state: SlowState, checkpoint: Checkpoint, interval: float = 0.0) -> EpochLog:
    return EpochLog(state, checkpoint, lambda epoch, figures: None, interval)


def test_a_quick_checkpoint_is_written_after_each_epoch(tmp_path, clock):
    checkpoint = Checkpoint(tmp_path, "key")
    log = epoch_log(SlowState(0.04, clock), checkpoint)
    for epoch in range(3):
        clock.advance(1.0)
        log.add({"loss": float(epoch)})
        assert len(checkpoint.read().epochs) == epoch + 1


def test_checkpoints_take_a_small_share_of_the_time_and_the_last_epoch_is_kept(tmp_path, clock):
    checkpoint, state = Checkpoint(tmp_path, "key"), SlowState(0.1, clock)
    log = epoch_log(state, checkpoint)
    snapshots = []
    for _ in range(10):
        clock.advance(0.7)
        log.add({"loss": 1.0})
        snapshots.append(state.snapshots)
    assert snapshots == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4]  # two seconds apart: a twentieth of it
    log.finish()
    assert len(checkpoint.read().epochs) == 10


def test_a_very_short_stage_has_no_checkpoint(tmp_path, clock):
    checkpoint = Checkpoint(tmp_path, "key")
    log = epoch_log(SlowState(0.0, clock), checkpoint, interval=60.0)
    log.add({"loss": 1.0})
    log.finish()
    assert not checkpoint.exists()


def test_a_checkpoint_has_the_weights_of_its_epoch(tmp_path, monkeypatch):
    """The network continues to learn while its snapshot is written."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD()
    optimizer.build(network.trainable_variables)
    state = TrainingState(network, optimizer, BestWeights(network))
    checkpoint = Checkpoint(tmp_path, "key")
    slow = np.savez

    def late(*args, **kwargs):
        time.sleep(0.3)
        slow(*args, **kwargs)

    monkeypatch.setattr(np, "savez", late)
    before = network.get_weights()
    checkpoint.write(state.snapshot([]))
    for variable in network.trainable_variables:
        variable.assign_add(variable * 0 + 1)
    read = checkpoint.read()
    assert all((a == b).all() for a, b in zip(read.arrays["network"], before, strict=True))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_that_are_not_finite_replace_no_checkpoint(tmp_path, wrong):
    checkpoint = Checkpoint(tmp_path, "key")
    checkpoint.write(Snapshot([{"loss": 1.0}], {"network": [np.ones(2)]}, 0.0))
    checkpoint.write(Snapshot([{"loss": 1.0}] * 2, {"network": [np.array([1.0, wrong])]}, 0.0))
    assert len(checkpoint.read().epochs) == 1


def test_the_callback_gets_every_batch_and_can_end_the_epoch():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse")
    losses: list[float] = []

    def collect(logs) -> None:
        losses.append(logs["loss"])

    x = np.ones((40, 2), np.float32)
    network.fit(x, x[:, :1], callbacks=[OnBatchEnd(collect)], **QUIETLY)
    assert len(losses) == 10
    losses.clear()

    def stop(logs) -> None:
        losses.append(logs["loss"])
        network.stop_training = True

    x = np.ones((40_000, 2), np.float32)
    network.fit(x, x[:, :1], callbacks=[OnBatchEnd(stop)], **QUIETLY)
    assert 0 < len(losses) < 10_000
