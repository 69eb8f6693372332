"""How the detector learns: epoch by epoch, from where it was, keeping the best of validation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import keras
import numpy as np

from anomaly.model.checkpoint import Checkpoint, State
from anomaly.model.distribution import over_devices
from anomaly.model.learner import Report
from anomaly.model.mask_rcnn.batches import Batches
from anomaly.model.mask_rcnn.lesson import Lesson
from anomaly.model.mask_rcnn.losses import NAMES
from anomaly.progress import bar
from anomaly.types import InputError

log = logging.getLogger(__name__)
FIGURE = "val_map"
Validate = Callable[[], float]


class Course:
    """One training: `epochs` over the batches, with validation map every so many of them."""

    def __init__(
        self,
        lesson: Lesson,
        batches: Batches,
        validate: Validate,
        every: int,
        epochs: int,
        distribution: str,
    ) -> None:
        self.lesson, self.batches, self.validate = lesson, batches, validate
        self.every, self.epochs, self.distribution = every, epochs, distribution
        self.best: list[np.ndarray] = []

    def run(self, checkpoint: Checkpoint, report: Report) -> None:
        """Learn; afterwards the network has the weights of the best validation map.

        Raises:
            InputError: a loss is no longer finite; the last good weights stay in the checkpoint.
        """
        state = checkpoint.read() or State()
        self._resume(state)
        for epoch, figures in enumerate(state.epochs):
            report(epoch, figures)
        with bar() as display:
            done, steps = len(state.epochs), len(self.batches)
            task = display.add_task("training", total=self.epochs * steps, figures="")
            display.update(task, completed=done * steps)

            def tick(batch: int, logs: Mapping[str, float]) -> None:
                display.update(task, advance=1, figures=_line(logs))
                self.lesson.stop_training = not np.isfinite(logs["loss"])

            for epoch in range(done, self.epochs):
                figures = self._epoch(epoch, tick, checkpoint)
                self._look(epoch, figures, state)
                state.epochs.append(figures)
                checkpoint.write(self._state(state))
                report(epoch, figures)
        self._restore()

    def _resume(self, state: State) -> None:
        if not state.epochs:
            return
        log.info("going on after epoch %d, from a checkpoint", len(state.epochs))
        with over_devices(self.distribution):
            self.lesson.optimizer.build(self.lesson.trainable_variables)
        self.lesson.set_weights(state.arrays["weights"])
        pairs = zip(self.lesson.optimizer.variables, state.arrays["optimizer"], strict=True)
        for variable, value in pairs:
            variable.assign(value)
        self.best = list(state.arrays["best"])

    def _epoch(self, epoch: int, tick: Callable, checkpoint: Checkpoint) -> dict[str, float]:
        self.batches.begin(epoch)
        callback = keras.callbacks.LambdaCallback(on_train_batch_end=tick)
        with over_devices(self.distribution):
            history = self.lesson.fit(self.batches, verbose=0, callbacks=[callback], shuffle=False)
        figures = {name: float(values[-1]) for name, values in history.history.items()}
        wrong = [name for name in (*NAMES, "loss") if not np.isfinite(figures[name])]
        if wrong:
            raise InputError(
                f"the {wrong[0]} loss is {figures[wrong[0]]} in epoch {epoch}: lower"
                " trainer.learning_rate, or clip gradients (optimizer=warmup optimizer.clipnorm=1);"
                f" the weights of the epochs before are in {checkpoint.path}"
            )
        return figures

    def _look(self, epoch: int, figures: dict[str, float], state: State) -> None:
        """Validation map now and then and at the end; of equal ones the later epoch is kept."""
        if (epoch + 1) % self.every and epoch + 1 < self.epochs:
            return
        figures[FIGURE] = self.validate()
        if figures[FIGURE] >= state.best:
            state.best = figures[FIGURE]
            self.best = self.lesson.get_weights()

    def _state(self, state: State) -> State:
        optimizer = [np.asarray(v) for v in self.lesson.optimizer.variables]
        own = {"weights": self.lesson.get_weights(), "optimizer": optimizer, "best": self.best}
        return State(state.epochs, own, state.best)

    def _restore(self) -> None:
        if self.best:
            self.lesson.set_weights(self.best)


def _line(logs: Mapping[str, float]) -> str:
    return " ".join(f"{name.replace('proposal_', 'p_')} {logs[name]:.2f}" for name in NAMES)
