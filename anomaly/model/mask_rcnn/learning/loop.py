"""The training loop of a detector: epochs, checkpoints, and the best weights by validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from anomaly.model.learner import Report
from anomaly.model.mask_rcnn.learning.batches import Batches
from anomaly.model.mask_rcnn.learning.loss_model import LossModel
from anomaly.model.mask_rcnn.learning.losses import NAMES
from anomaly.model.training.checkpoint import Checkpoint
from anomaly.model.training.distribution import over_devices
from anomaly.model.training.epochs import EpochLog, OnBatchEnd
from anomaly.model.training.state import BestWeights, TrainingState
from anomaly.runtime.progress import bar

VALIDATION_FIGURE = "val_map"


class Diverged(Exception):
    """A loss or a weight is no longer finite; the text says which one, and when."""


class TrainingLoop:
    """Trains a loss model for `epochs`; `validate` gives its mAP every `validate_every` epochs."""

    def __init__(
        self,
        loss_model: LossModel,
        batches: Batches,
        validate: Callable[[], float],
        validate_every: int,
        epochs: int,
        distribution: str,
    ) -> None:
        self.loss_model, self.batches, self.validate = loss_model, batches, validate
        self.validate_every, self.epochs, self.distribution = validate_every, epochs, distribution
        self.best = BestWeights(loss_model)

    def run(self, checkpoint: Checkpoint, report: Report) -> None:
        """Train; afterwards the network has the weights with the best validation mAP.

        Raises:
            Diverged: a loss or a weight is no longer finite. The network then has the weights of
                the checkpoint, or those from before the training.
        """
        with over_devices(self.distribution):
            self.loss_model.optimizer.build(self.loss_model.trainable_variables)
        state = TrainingState(self.loss_model, self.loss_model.optimizer, self.best)
        before = state.snapshot([])
        epochs = EpochLog(state, checkpoint, report, interval=0)
        try:
            self._train(epochs)
        except Diverged:
            state.restore(checkpoint.read() or before)
            raise
        epochs.finish()
        self.best.restore()

    def _train(self, epochs: EpochLog) -> None:
        with bar() as display:
            steps = len(self.batches)
            task = display.add_task("training", total=self.epochs * steps, figures="")
            display.update(task, completed=epochs.first * steps)

            def show(logs: Mapping[str, float]) -> None:
                display.update(task, advance=1, figures=_line(logs))
                if not np.isfinite(logs["loss"]):  # a mean over the epoch, so it stays NaN
                    self.loss_model.stop_training = True

            for epoch in range(epochs.first, self.epochs):
                figures = self._train_epoch(epoch, OnBatchEnd(show))
                epochs.add(figures | self._validate(epoch))

    def _train_epoch(self, epoch: int, callback: OnBatchEnd) -> dict[str, float]:
        self.batches.begin(epoch)
        with over_devices(self.distribution):
            history = self.loss_model.fit(
                self.batches, verbose=0, callbacks=[callback], shuffle=False
            )
        figures = {name: float(values[-1]) for name, values in history.history.items()}
        for name in (*NAMES, "loss"):
            if not np.isfinite(figures[name]):
                raise Diverged(f"the {name} loss is {figures[name]} in epoch {epoch}")
        return figures

    def _validate(self, epoch: int) -> dict[str, float]:
        """Validation mAP, if it is due or the epoch is the last; of equal epochs the later is best."""
        if (epoch + 1) % self.validate_every and epoch + 1 < self.epochs:
            return {}
        value = self.validate()
        if -value <= self.best.loss:
            weights = self.best.keep(-value)
            if not all(np.isfinite(array).all() for array in weights):  # since the last step
                raise Diverged(f"weights are no longer finite after epoch {epoch}")
        return {VALIDATION_FIGURE: value}


def _line(logs: Mapping[str, float]) -> str:
    return " ".join(f"{name.replace('proposal_', 'p_')} {logs[name]:.2f}" for name in NAMES)
