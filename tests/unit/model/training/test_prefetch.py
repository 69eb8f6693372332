"""Prefetched batches are complete and in order, whatever Keras does."""

from __future__ import annotations

import threading
import time

import keras
import numpy as np
import pytest

from anomaly.errors import InputError
from anomaly.model.training.prefetch import AHEAD, PrefetchedBatches


class Numbered(PrefetchedBatches):
    """Batch k of epoch e is filled with 100 e + k; `made` lists which thread made which batch."""

    def __init__(self, count: int = 6, seconds: float = 0.0) -> None:
        super().__init__()
        self.count, self.seconds, self.epoch = count, seconds, 0
        self.made: list[tuple[int, int, str]] = []

    def __len__(self) -> int:
        return self.count

    def make(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        self.made.append((self.epoch, index, threading.current_thread().name))
        value = 100 * self.epoch + index
        time.sleep(self.seconds)
        return np.full((2, 1), value, np.float32), np.zeros((2, 1), np.float32)

    def begin(self, epoch: int) -> None:
        self.epoch = epoch
        self.discard()


def values(batches: PrefetchedBatches) -> list[float]:
    return [float(batches[index][0][0, 0]) for index in range(len(batches))]


def test_every_batch_is_made_once_in_order_and_in_the_background():
    batches = Numbered()
    assert values(batches) == list(range(6))
    assert [index for _, index, _ in batches.made] == list(range(6))
    assert threading.main_thread().name not in {name for *_, name in batches.made}


def test_the_next_batches_are_made_while_one_is_in_use_and_no_more_of_them():
    batches = Numbered(count=10)
    _ = batches[0]
    end = time.monotonic() + 10
    while len(batches.made) < AHEAD + 1 and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.1)
    assert [index for _, index, _ in batches.made] == list(range(AHEAD + 1))


def test_an_epoch_left_in_the_middle_does_not_affect_the_next():
    batches = Numbered(seconds=0.02)
    assert [float(batches[index][0][0, 0]) for index in range(2)] == [0, 1]
    batches.begin(1)
    assert values(batches) == [100 + index for index in range(6)]


def test_a_batch_can_be_requested_again_and_out_of_order():
    batches = Numbered()
    assert [float(batches[index][0][0, 0]) for index in (0, 0, 3, 1, 0, 5)] == [0, 0, 3, 1, 0, 5]


class Watch(keras.layers.Layer):
    """Sums `position * value`, so that another order of the batches gives another sum."""

    def build(self, shape) -> None:
        zeros = {"shape": (), "initializer": "zeros", "trainable": False}
        self.position, self.total = self.add_weight(**zeros), self.add_weight(**zeros)
        self.weight = self.add_weight(shape=(), initializer="zeros")

    def call(self, x):
        self.position.assign(self.position + 1)
        self.total.assign(self.total + self.position * x[0, 0])
        return x * self.weight


@pytest.mark.parametrize("built", [True, False])
def test_keras_fits_them_in_order_epoch_after_epoch(built):
    watch, batches = Watch(), Numbered()
    model = keras.Sequential([keras.Input((1,)), watch] if built else [watch])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    expected = 0.0
    for epoch in range(3):
        batches.begin(epoch)
        model.fit(batches, verbose=0, shuffle=False)
        expected += sum((6 * epoch + k + 1) * (100 * epoch + k) for k in range(6))
    assert float(watch.total) == expected


def test_an_error_in_the_background_is_raised_where_the_batch_is_used():
    class Broken(Numbered):
        def make(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            if index == 2:
                raise InputError("scratch.png: cut short")
            return super().make(index)

    with pytest.raises(InputError, match=r"scratch\.png: cut short"):
        values(Broken())
