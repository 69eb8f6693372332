"""The epochs of a training: reported as they end, and kept in a checkpoint."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

import keras

from anomaly.errors import Pruned
from anomaly.model.learner import Report
from anomaly.model.training.checkpoint import Checkpoint
from anomaly.model.training.state import TrainingState
from anomaly.runtime import signals

log = logging.getLogger(__name__)
SHARE = 0.05  # of the time at most that goes into checkpoints, however large the network
FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")  # of a classifier's epoch


class EpochLog:
    """Continues after the epochs of the checkpoint, which it reports again; writes new ones to it.

    Args:
        interval: seconds between two checkpoints, at least. 0 writes one after each epoch, unless
            this takes more than `SHARE` of the time.
    """

    def __init__(
        self, state: TrainingState, checkpoint: Checkpoint, report: Report, interval: float
    ) -> None:
        self.state, self.checkpoint, self.report = state, checkpoint, report
        self.interval = interval
        self.epochs: list[dict[str, float]] = []
        self._unwritten = False
        self._write_time = 0.0  # seconds for which the last checkpoint stopped the training
        self._resume()
        self.first = len(self.epochs)  # the first epoch to train
        self._last_write = time.monotonic()

    def _resume(self) -> None:
        snapshot = self.checkpoint.read()
        if snapshot is None:
            return
        self.state.restore(snapshot)
        self.epochs = snapshot.epochs
        log.info("continuing after epoch %d from a checkpoint", len(self.epochs))
        for epoch, figures in enumerate(self.epochs):
            self._report(epoch, figures)

    def add(self, figures: Mapping[str, float]) -> None:
        """Record the figures of the epoch that has just ended."""
        self.epochs.append({name: float(value) for name, value in figures.items()})
        self._unwritten = True
        pause = max(self.interval, self._write_time / SHARE)
        if time.monotonic() - self._last_write >= pause:
            self._write()
        self._report(len(self.epochs) - 1, self.epochs[-1])
        signals.check()

    def _report(self, epoch: int, figures: Mapping[str, float]) -> None:
        try:
            self.report(epoch, figures)
        except Pruned:  # nobody will continue this training
            self.checkpoint.delete()
            raise

    def finish(self) -> None:
        """Write the last epochs, as what follows may be interrupted too.

        A stage so short that it has no checkpoint gets none.
        """
        if self._unwritten and self.checkpoint.exists():
            self._write()

    def _write(self) -> None:
        start = time.monotonic()
        self.checkpoint.write(self.state.snapshot(self.epochs))
        self._last_write, self._unwritten = time.monotonic(), False
        self._write_time = self._last_write - start


def numbered_from(first: int, report: Report) -> Report:
    """The report of a later stage, whose epoch 0 is epoch `first` of the whole training."""
    return lambda epoch, values: report(first + epoch, values)


class OnBatchEnd(keras.callbacks.Callback):
    """Calls `callback` with the figures of each step, from a thread, so that the device need not wait."""

    async_safe = True  # Keras calls such callbacks from another thread

    def __init__(self, callback: Callable[[Mapping[str, float]], object]) -> None:
        super().__init__()
        self.callback = callback

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        """Called by Keras, with means over the epoch so far."""
        self.callback(logs)
