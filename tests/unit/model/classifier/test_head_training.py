"""Stage one: batches, figures, and the epoch that is kept."""

from __future__ import annotations

from contextlib import suppress

import keras
import numpy as np
import pytest

from anomaly.config.schema import StageConfig
from anomaly.errors import InputError
from anomaly.model.classifier import network
from anomaly.model.classifier.head_training import batch_indices, evaluate, train_head


@pytest.mark.parametrize("count, size", [(10, 3), (12, 4), (5, 8), (1, 1), (7, 7)])
def test_an_epoch_has_everything_once_and_fills_the_last_batch(count, size):
    order = batch_indices(count, size, np.random.default_rng(0))
    assert order.shape == (-(-count // size), min(size, count))
    assert sorted(order.ravel()[:count]) == list(range(count))
    assert set(order.ravel()) == set(range(count))


def test_epochs_differ_and_seeds_repeat():
    random, same = np.random.default_rng(0), np.random.default_rng(0)
    first, second = (batch_indices(50, 10, random) for _ in range(2))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, batch_indices(50, 10, same))


def head(seed: int = 0, dropout: float = 0.0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return network.head(4, 3, units=16, dropout=dropout, standardise=False)


def separable(count: int = 30) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    y = np.arange(count) % 3
    x = random.normal(size=(count, 4)) + 3 * np.eye(3, 4)[y]
    return x.astype(np.float32), y


def test_figures_are_the_mean_cross_entropy_and_the_share_of_hits():
    x, y = separable()
    model = head()
    loss, accuracy = evaluate(model, x, y)
    proba = keras.ops.softmax(model.predict_on_batch(x))
    keras_loss = keras.losses.sparse_categorical_crossentropy(y, proba)
    assert loss == pytest.approx(float(np.mean(keras_loss)), abs=1e-5)
    assert accuracy == pytest.approx(float((np.argmax(proba, 1) == y).mean()))


def test_a_head_learns_reports_every_epoch_and_keeps_the_best(checkpoint):
    x, y = separable()
    model, epochs = head(dropout=0.2), []
    stage = StageConfig(epochs=15, learning_rate=0.05, batch_size=8)
    optimizer = keras.optimizers.Adam(0.05)
    train_head(
        model, optimizer, (x, y), (x, y), stage, 0, lambda e, v: epochs.append((e, v)), checkpoint
    )
    assert [epoch for epoch, _ in epochs] == list(range(15))
    losses = [values["val_loss"] for _, values in epochs]
    assert losses[-1] < losses[0] / 2
    assert evaluate(model, x, y)[0] == pytest.approx(min(losses), abs=1e-6)


def test_a_diverging_training_is_stopped_with_advice(checkpoint):
    x, y = separable()
    stage = StageConfig(epochs=50, learning_rate=10, batch_size=8)
    with pytest.raises(InputError, match=r"loss is .* lower trainer\.learning_rate"):
        train_head(
            head(),
            keras.optimizers.SGD(1e30),
            (x, y),
            (x, y),
            stage,
            0,
            lambda e, v: None,
            checkpoint,
        )


def test_an_epoch_can_be_limited_to_some_batches(checkpoint):
    x, y = np.eye(4, dtype=np.float32).repeat(10, 0), np.arange(4).repeat(10)
    model, epochs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)]), []
    optimizer = keras.optimizers.SGD(0.1)
    stage = StageConfig(3, 0.1, batch_size=8, steps_per_epoch=2)
    train_head(
        model, optimizer, (x, y), (x, y), stage, 0, lambda e, v: epochs.append(v), checkpoint
    )
    assert int(optimizer.iterations) == 3 * 2
    assert len(epochs) == 3


class Stopped(Exception):
    """Stops a training half-way."""


def test_stopped_anywhere_it_continues_to_the_same_weights(checkpoint, monkeypatch):
    monkeypatch.setattr("anomaly.model.classifier.head_training.INTERVAL", 0.0)
    x, y = separable()
    start = head(dropout=0.5).get_weights()
    stage = StageConfig(epochs=12, learning_rate=0.05, batch_size=8)

    def learn(model, stop: int | None, kept) -> list[dict]:
        epochs: list[dict] = []

        def report(epoch, values):
            epochs.append(dict(values))
            if epoch == stop:
                raise Stopped

        optimizer = keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.05, 60))
        with suppress(Stopped):
            train_head(model, optimizer, (x, y), (x, y), stage, 0, report, kept)
        return epochs

    def fresh():
        keras.utils.set_random_seed(1)
        model = head(dropout=0.5)
        model.set_weights(start)
        return model

    whole, again = fresh(), fresh()
    want = learn(whole, None, type(checkpoint)(checkpoint.path.parent, "other"))
    assert len(learn(fresh(), 4, checkpoint)) == 5
    assert learn(again, None, checkpoint) == want
    assert all(map(np.array_equal, again.get_weights(), whole.get_weights()))


def test_a_damaged_checkpoint_is_logged_and_training_starts_over(checkpoint, caplog):
    checkpoint.path.write_bytes(b"PK no checkpoint")
    x, y = separable()
    epochs = []
    stage = StageConfig(epochs=3, learning_rate=0.05, batch_size=8)
    optimizer = keras.optimizers.Adam(0.05)
    train_head(
        head(), optimizer, (x, y), (x, y), stage, 0, lambda e, v: epochs.append(e), checkpoint
    )
    assert epochs == [0, 1, 2]
    assert "cannot be read" in caplog.text and "training starts over" in caplog.text
