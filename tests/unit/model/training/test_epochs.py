"""When checkpoints are written, and what training tells meanwhile."""

from __future__ import annotations

import time

import keras
import numpy as np
import pytest

from anomaly.model.training.checkpoint import Checkpoint, State
from anomaly.model.training.epochs import AfterBatch, Course

QUIETLY = {"batch_size": 4, "verbose": 0, "shuffle": False}


class Clock:
    """Time passes where the test says so, whatever else the machine does."""

    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


class Memory:
    """Of a network whose copy takes `seconds`; counts the copies."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds, self.clock, self.copies = seconds, clock, 0

    def state(self, epochs) -> State:
        self.clock.pass_by(self.seconds)
        self.copies += 1
        return State(list(epochs), {}, 0.0)


def course(memory: Memory, checkpoint: Checkpoint, every: float = 0.0) -> Course:
    return Course(memory, checkpoint, lambda epoch, figures: None, every)


def test_what_costs_little_is_written_after_each_epoch(tmp_path, clock):
    checkpoint = Checkpoint(tmp_path, "key")
    own = course(Memory(0.04, clock), checkpoint)
    for epoch in range(3):
        clock.pass_by(1.0)
        own.ended({"loss": float(epoch)})
        assert len(checkpoint.read().epochs) == epoch + 1


def test_checkpoints_take_a_small_share_of_the_time_and_the_last_epoch_is_kept(tmp_path, clock):
    checkpoint, memory = Checkpoint(tmp_path, "key"), Memory(0.1, clock)
    own = course(memory, checkpoint)
    copies = []
    for _ in range(10):
        clock.pass_by(0.7)
        own.ended({"loss": 1.0})
        copies.append(memory.copies)
    assert copies == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4]  # two seconds apart: a twentieth of it
    own.finish()
    assert len(checkpoint.read().epochs) == 10


def test_of_a_stage_of_a_moment_nothing_is_kept(tmp_path, clock):
    checkpoint = Checkpoint(tmp_path, "key")
    own = course(Memory(0.0, clock), checkpoint, every=60.0)
    own.ended({"loss": 1.0})
    own.finish()
    assert not checkpoint.exists()


def test_what_is_written_is_the_state_of_its_moment(tmp_path, monkeypatch):
    """The network goes on learning while its copy is written."""
    from anomaly.model.training.checkpoint import Best
    from anomaly.model.training.checkpoint import Memory as Real

    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD()
    optimizer.build(network.trainable_variables)
    memory, checkpoint = Real(network, optimizer, Best(network)), Checkpoint(tmp_path, "key")
    slow = np.savez

    def late(*args, **kwargs):
        time.sleep(0.3)
        slow(*args, **kwargs)

    monkeypatch.setattr(np, "savez", late)
    before = network.get_weights()
    checkpoint.write(memory.state([]))
    for variable in network.trainable_variables:
        variable.assign_add(variable * 0 + 1)
    read = checkpoint.read()
    assert all((a == b).all() for a, b in zip(read.arrays["network"], before, strict=True))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_that_are_no_numbers_replace_none_that_are(tmp_path, wrong):
    checkpoint = Checkpoint(tmp_path, "key")
    checkpoint.write(State([{"loss": 1.0}], {"network": [np.ones(2)]}, 0.0))
    checkpoint.write(State([{"loss": 1.0}] * 2, {"network": [np.array([1.0, wrong])]}, 0.0))
    assert len(checkpoint.read().epochs) == 1


def test_every_batch_is_told_and_an_epoch_can_be_ended_from_there():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse")
    told: list[float] = []

    def tell(logs) -> None:
        told.append(logs["loss"])

    x = np.ones((40, 2), np.float32)
    network.fit(x, x[:, :1], callbacks=[AfterBatch(tell)], **QUIETLY)
    assert len(told) == 10
    told.clear()

    def stop(logs) -> None:
        told.append(logs["loss"])
        network.stop_training = True

    x = np.ones((40_000, 2), np.float32)
    network.fit(x, x[:, :1], callbacks=[AfterBatch(stop)], **QUIETLY)
    assert 0 < len(told) < 10_000
