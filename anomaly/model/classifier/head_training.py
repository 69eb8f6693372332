"""Stage one: the head learns from cached features, thousands of epochs in minutes."""

from __future__ import annotations

import keras
import numpy as np

from anomaly.config.schema import StageConfig
from anomaly.errors import InputError
from anomaly.model.classifier.compiled import compiled_epoch
from anomaly.model.learner import Report
from anomaly.model.training.checkpoint import Checkpoint
from anomaly.model.training.epochs import FIGURES, EpochLog
from anomaly.model.training.state import BestWeights, TrainingState
from anomaly.runtime.progress import bar

INTERVAL = 5.0  # seconds between checkpoints: an epoch takes milliseconds, writing takes 50


def train_head(
    head: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    train: tuple[np.ndarray, np.ndarray],
    validate: tuple[np.ndarray, np.ndarray],
    stage: StageConfig,
    seed: int,
    report: Report,
    checkpoint: Checkpoint,
) -> None:
    """Learn (n, f) features and (n,) labels; keep the epoch of the lowest validation loss.

    Continues from the checkpoint, if there is one.

    Raises:
        InputError: the loss is no longer finite.
    """
    train_epoch, best = compiled_epoch(head, optimizer, *train), BestWeights(head)
    epochs = EpochLog(TrainingState(head, optimizer, best), checkpoint, report, INTERVAL)
    count, random = len(train[0]), np.random.default_rng(seed)
    with bar() as display:
        task = display.add_task("head epochs", total=stage.epochs, figures="")
        for epoch in range(stage.epochs):
            # also drawn for epochs that are done, since the later ones depend on it
            order = batch_indices(count, stage.batch_size, random)[: stage.steps(count)]
            if epoch >= epochs.first:
                figures = (*train_epoch(order), *evaluate(head, *validate))
                named = dict(zip(FIGURES, figures, strict=True))
                check_finite(named["loss"], epoch)
                best.update(named["val_loss"])
                epochs.add(named)
            display.update(task, advance=1, figures=f"val_loss {best.loss:.3f}")
    epochs.finish()
    best.restore()


def check_finite(loss: float, epoch: int) -> None:
    """Stop a training that has diverged.

    Raises:
        InputError: the loss is not finite.
    """
    if not np.isfinite(loss):
        raise InputError(
            f"the loss is {loss} in epoch {epoch}: lower trainer.learning_rate"
            " (or trainer.finetune.learning_rate)"
        )


def batch_indices(count: int, size: int, random: np.random.Generator) -> np.ndarray:
    """(steps, size) int32: each index once, in random order; repeats fill the last batch."""
    size = min(size, count)
    order = random.permutation(count)
    steps = -(-count // size)
    return np.resize(order, (steps, size)).astype(np.int32)


def evaluate(head: keras.Model, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The mean cross-entropy and the accuracy of a head on (n, f) features, (n,) labels."""
    logits = np.asarray(head.predict_on_batch(x), np.float64)
    with np.errstate(invalid="ignore"):  # `check_finite` reports a loss that has diverged
        log_proba = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return float(-log_proba[np.arange(len(y)), y].mean()), float((logits.argmax(1) == y).mean())
