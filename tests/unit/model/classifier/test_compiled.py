"""Whole epochs as one call, on the current backend, against the same in numpy."""

from __future__ import annotations

import keras
import numpy as np

from anomaly.model.classifier import network
from anomaly.model.classifier.compiled import compiled_epoch

RATE = 0.1


def head(dropout: float = 0.0) -> keras.Model:
    keras.utils.set_random_seed(1)
    return network.head(5, 3, units=8, dropout=dropout, standardise=False)


def data(count: int = 32) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    y = np.arange(count) % 3
    return (random.normal(size=(count, 5)) + 2 * np.eye(3, 5)[y]).astype(np.float32), y


def in_numpy(weights, x, y, order) -> tuple[list[np.ndarray], float, float]:
    """An epoch of plain gradient descent: the weights after it, mean loss and accuracy."""
    kernel, bias, out, shift = (w.astype(np.float64) for w in weights)
    losses, hits = [], []
    for chosen in order:
        before = x[chosen] @ kernel + bias
        hidden = np.maximum(before, 0)
        logits = hidden @ out + shift
        proba = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        losses.append(-np.log(proba[np.arange(len(chosen)), y[chosen]]).mean())
        hits.append((logits.argmax(1) == y[chosen]).mean())
        error = (proba - np.eye(3)[y[chosen]]) / len(chosen)
        back = (error @ out.T) * (before > 0)
        out, shift = out - RATE * hidden.T @ error, shift - RATE * error.sum(0)
        kernel, bias = kernel - RATE * x[chosen].T @ back, bias - RATE * back.sum(0)
    return [kernel, bias, out, shift], np.mean(losses), np.mean(hits)


def test_epochs_of_gradient_descent_equal_those_in_numpy():
    model, (x, y) = head(), data()
    train = compiled_epoch(model, keras.optimizers.SGD(RATE), x, y)
    weights = model.get_weights()
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(32).reshape(4, 8).astype(np.int32)
        loss, accuracy = train(order)
        model.predict_on_batch(x)  # on JAX, Keras donates the network's arrays here
        weights, expected_loss, expected_accuracy = in_numpy(weights, x, y, order)
        assert np.allclose([loss, accuracy], [expected_loss, expected_accuracy], atol=1e-5)
        for one, other in zip(model.get_weights(), weights, strict=True):
            assert np.allclose(one, other, atol=1e-5)


def test_the_loss_falls_with_dropout_and_momentum():
    model, (x, y) = head(dropout=0.3), data()
    train = compiled_epoch(model, keras.optimizers.Adam(0.02), x, y)
    order = np.arange(32, dtype=np.int32).reshape(4, 8)
    losses = [train(order)[0] for _ in range(30)]
    assert losses[-1] < losses[0] / 2
    assert (model.predict_on_batch(x).argmax(1) == y).mean() > 0.9
