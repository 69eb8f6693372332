"""How the detector learns: epoch by epoch, from where it was, keeping the best of validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from anomaly.model.learner import Report
from anomaly.model.mask_rcnn.learning.batches import Batches
from anomaly.model.mask_rcnn.learning.loss_model import LossModel
from anomaly.model.mask_rcnn.learning.losses import NAMES
from anomaly.model.training.checkpoint import Best, Checkpoint, Memory
from anomaly.model.training.distribution import over_devices
from anomaly.model.training.epochs import AfterBatch, Course
from anomaly.runtime.progress import bar

FIGURE = "val_map"
Validate = Callable[[], float]


class Diverged(Exception):
    """A loss is no longer finite; the text says which, and when."""


class Trainer:
    """`epochs` of a loss_model over the batches, with validation map every so many of them."""

    def __init__(
        self,
        loss_model: LossModel,
        batches: Batches,
        validate: Validate,
        every: int,
        epochs: int,
        distribution: str,
    ) -> None:
        self.loss_model, self.batches, self.validate = loss_model, batches, validate
        self.every, self.epochs, self.distribution = every, epochs, distribution
        self.best = Best(loss_model)

    def run(self, checkpoint: Checkpoint, report: Report) -> None:
        """Learn; afterwards the network has the weights of the best validation map.

        Raises:
            Diverged: a loss is no longer finite, or weights are not; the network is what the
                checkpoint has, or what it was before.
        """
        with over_devices(self.distribution):
            self.loss_model.optimizer.build(self.loss_model.trainable_variables)
        memory = Memory(self.loss_model, self.loss_model.optimizer, self.best)
        before = memory.state([])
        course = Course(memory, checkpoint, report, every=0)
        try:
            self._learn(course)
        except Diverged:
            memory.restore(checkpoint.read() or before)
            raise
        course.finish()
        self.best.restore()

    def _learn(self, course: Course) -> None:
        with bar() as display:
            steps = len(self.batches)
            task = display.add_task("training", total=self.epochs * steps, figures="")
            display.update(task, completed=course.begun * steps)

            def show(logs: Mapping[str, float]) -> None:
                display.update(task, advance=1, figures=_line(logs))
                if not np.isfinite(logs["loss"]):  # a mean over the epoch: once NaN, it stays NaN
                    self.loss_model.stop_training = True

            for epoch in range(course.begun, self.epochs):
                figures = self._epoch(epoch, AfterBatch(show))
                course.ended(figures | self._look(epoch))

    def _epoch(self, epoch: int, callback: AfterBatch) -> dict[str, float]:
        self.batches.begin(epoch)
        with over_devices(self.distribution):
            history = self.loss_model.fit(
                self.batches, verbose=0, callbacks=[callback], shuffle=False
            )
        figures = {name: float(values[-1]) for name, values in history.history.items()}
        wrong = [name for name in (*NAMES, "loss") if not np.isfinite(figures[name])]
        if wrong:
            raise Diverged(f"the {wrong[0]} loss is {figures[wrong[0]]} in epoch {epoch}")
        return figures

    def _look(self, epoch: int) -> dict[str, float]:
        """Validation map now and then and at the end; of equal ones the later epoch is kept."""
        if (epoch + 1) % self.every and epoch + 1 < self.epochs:
            return {}
        found = self.validate()
        if -found <= self.best.loss:
            kept = self.best.keep(-found)
            if not all(np.isfinite(array).all() for array in kept):  # spoilt by the last step
                raise Diverged(f"weights are no longer finite after epoch {epoch}")
        return {FIGURE: found}


def _line(logs: Mapping[str, float]) -> str:
    return " ".join(f"{name.replace('proposal_', 'p_')} {logs[name]:.2f}" for name in NAMES)
