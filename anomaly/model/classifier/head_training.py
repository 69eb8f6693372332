"""Stage one: the head learns from cached features, thousands of epochs in minutes."""

from __future__ import annotations

import keras
import numpy as np

from anomaly.config.schema import StageConfig
from anomaly.errors import InputError
from anomaly.model.classifier.compiled import epochs
from anomaly.model.learner import Report
from anomaly.model.training.checkpoint import Best, Checkpoint, Memory
from anomaly.model.training.epochs import FIGURES, Course
from anomaly.runtime.progress import bar

EVERY = 5.0  # seconds between two checkpoints: an epoch takes milliseconds, and writing takes 50


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

    It goes on from the checkpoint, where there is one.

    Raises:
        InputError: the loss is no longer finite.
    """
    train_epoch = epochs(head, optimizer, *train)
    best = Best(head)
    course = Course(Memory(head, optimizer, best), checkpoint, report, EVERY)
    random = np.random.default_rng(seed)
    with bar() as display:
        task = display.add_task("head epochs", total=stage.epochs, figures="")
        for epoch in range(stage.epochs):
            # drawn for epochs that are done as well: the later ones depend on it
            order = batches(len(train[0]), stage.batch_size, random)
            if epoch >= course.begun:
                loss, accuracy = train_epoch(order[: stage.steps(len(train[0]))])
                val_loss, val_accuracy = evaluate(head, *validate)
                check_finite(loss, epoch)
                best.see(val_loss)
                figures = (loss, accuracy, val_loss, val_accuracy)
                course.ended(dict(zip(FIGURES, figures, strict=True)))
            display.update(task, advance=1, figures=f"val_loss {best.loss:.3f}")
    course.finish()
    best.restore()


def check_finite(loss: float, epoch: int) -> None:
    """Stop a training that has blown up, before it wastes the night."""
    if not np.isfinite(loss):
        raise InputError(
            f"the loss is {loss} in epoch {epoch}: lower trainer.learning_rate"
            " (or trainer.finetune.learning_rate)"
        )


def batches(count: int, size: int, random: np.random.Generator) -> np.ndarray:
    """(steps, size) int32 indices: everything once, in random order, the last batch filled up."""
    size = min(size, count)
    order = random.permutation(count)
    steps = -(-count // size)
    return np.resize(order, (steps, size)).astype(np.int32)


def evaluate(head: keras.Model, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The mean cross-entropy and the accuracy of a head on (n, f) features, (n,) labels."""
    logits = np.asarray(head.predict_on_batch(x), np.float64)
    with np.errstate(invalid="ignore"):  # a loss that has blown up is reported by `check_finite`
        log_proba = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return float(-log_proba[np.arange(len(y)), y].mean()), float((logits.argmax(1) == y).mean())
