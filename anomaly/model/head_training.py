"""Stage one: the head learns from cached features, thousands of epochs in minutes."""

from __future__ import annotations

import keras
import numpy as np

from anomaly.model.compiled import epochs
from anomaly.model.learner import Report
from anomaly.progress import bar
from anomaly.schema import StageConfig
from anomaly.types import InputError

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")


class Best:
    """The weights of the epoch with the lowest validation loss."""

    def __init__(self, network: keras.Model) -> None:
        self.network = network
        self.loss = np.inf
        self.weights: list[np.ndarray] | None = None

    def see(self, loss: float) -> None:
        """Remember the weights of now if `loss` is the lowest so far."""
        if loss < self.loss:
            self.loss, self.weights = loss, self.network.get_weights()

    def restore(self) -> None:
        """Put the remembered weights back."""
        if self.weights is not None:
            self.network.set_weights(self.weights)


def train_head(
    head: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    train: tuple[np.ndarray, np.ndarray],
    validate: tuple[np.ndarray, np.ndarray],
    stage: StageConfig,
    seed: int,
    report: Report,
) -> None:
    """Learn (n, f) features and (n,) labels; keep the epoch of the lowest validation loss.

    Raises:
        InputError: the loss is no longer finite.
    """
    train_epoch = epochs(head, optimizer, *train)
    best = Best(head)
    random = np.random.default_rng(seed)
    with bar() as display:
        task = display.add_task("head epochs", total=stage.epochs, figures="")
        for epoch in range(stage.epochs):
            order = batches(len(train[0]), stage.batch_size, random)
            loss, accuracy = train_epoch(order[: stage.steps(len(train[0]))])
            val_loss, val_accuracy = evaluate(head, *validate)
            check_finite(loss, epoch)
            best.see(val_loss)
            figures = (loss, accuracy, val_loss, val_accuracy)
            report(epoch, dict(zip(FIGURES, figures, strict=True)))
            display.update(task, advance=1, figures=f"val_loss {val_loss:.3f}")
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
