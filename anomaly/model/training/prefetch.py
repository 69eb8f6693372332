"""Batches that are made in the background, so that the device does not wait for them."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

import keras

AHEAD = 2  # batches; one would do for a slow device, the second makes up for a slow batch


class PrefetchedBatches(keras.utils.PyDataset):
    """A data set that calls `make(index)` for the next few batches while one of them is in use.

    The workers of Keras do not keep the order: the first `fit` takes a batch to build the network
    and starts again, and what the workers have made by then comes before batch 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self._background = ThreadPoolExecutor(1)
        self._waiting: dict[int, Future] = {}
        self._lock = Lock()  # TensorFlow may ask from a thread that it has already abandoned

    def make(self, index: int) -> tuple[Any, ...]:
        """Batch `index`: the same whenever and in whatever order it is made."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        with self._lock:
            for place in range(index, min(index + AHEAD + 1, len(self))):
                if place not in self._waiting:
                    self._waiting[place] = self._background.submit(self.make, place)
            batch = self._waiting.pop(index)
        return batch.result()

    def discard(self) -> None:
        """Drop the batches made so far; call it after changing anything that `make` uses."""
        with self._lock:
            for batch in self._waiting.values():
                batch.cancel()
            self._waiting.clear()
