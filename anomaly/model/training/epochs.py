"""The epochs of a training, as they are reported and as a checkpoint keeps them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

import keras

from anomaly.errors import Pruned
from anomaly.model.learner import Report
from anomaly.model.training.checkpoint import Checkpoint, Memory
from anomaly.runtime import signals

log = logging.getLogger(__name__)
SHARE = 0.05  # of the time may go into checkpoints, whatever copying a large network costs
FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")  # of a classifier's epoch


class Course:
    """Begins after the epochs of the checkpoint, which it reports again; writes one every so often.

    Args:
        every: seconds from one checkpoint to the next, at least; 0 writes one after each epoch,
            unless this takes more than `SHARE` of the time.
    """

    def __init__(
        self, memory: Memory, checkpoint: Checkpoint, report: Report, every: float
    ) -> None:
        self.memory, self.checkpoint, self.report, self.every = memory, checkpoint, report, every
        self.epochs: list[dict[str, float]] = []
        self.unwritten = False
        self.cost = 0.0  # seconds for which the last checkpoint held up the training
        self._resume()
        self.begun = len(self.epochs)  # the first epoch that is still to come
        self.written = time.monotonic()

    def _resume(self) -> None:
        state = self.checkpoint.read()
        if state is None:
            return
        self.memory.restore(state)
        self.epochs = state.epochs
        log.info("going on after epoch %d, from a checkpoint", len(self.epochs))
        for epoch, figures in enumerate(self.epochs):
            self._report(epoch, figures)

    def ended(self, figures: Mapping[str, float]) -> None:
        """The next epoch is done, with these figures."""
        self.epochs.append({name: float(value) for name, value in figures.items()})
        self.unwritten = True
        if time.monotonic() - self.written >= max(self.every, self.cost / SHARE):
            self._write()
        self._report(len(self.epochs) - 1, self.epochs[-1])
        signals.check()

    def _report(self, epoch: int, figures: Mapping[str, float]) -> None:
        try:
            self.report(epoch, figures)
        except Pruned:  # nobody will go on from here
            self.checkpoint.done()
            raise

    def finish(self) -> None:
        """What comes next may be interrupted too; of a stage of a moment nothing need be kept."""
        if self.unwritten and self.checkpoint.exists():
            self._write()

    def _write(self) -> None:
        begun = time.monotonic()
        self.checkpoint.write(self.memory.state(self.epochs))
        self.written, self.unwritten = time.monotonic(), False
        self.cost = self.written - begun


def numbered_after(done: int, report: Report) -> Report:
    """A report of a later stage: epochs are numbered through all stages."""
    return lambda epoch, values: report(done + epoch, values)


class AfterBatch(keras.callbacks.Callback):
    """Tells the figures of each step from another thread, so that the device need not wait."""

    async_safe = True  # by which Keras knows

    def __init__(self, tell: Callable[[Mapping[str, float]], object]) -> None:
        super().__init__()
        self.tell = tell

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        """Called by Keras, with the means over the epoch so far."""
        self.tell(logs)
