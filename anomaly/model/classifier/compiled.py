"""A whole epoch of a small network as one compiled call, which Keras does not offer.

`Model.fit` spends most of a small head's step on Python and data handling. Here the arrays stay in
the backend, and one call runs all steps of an epoch. The only module that imports a backend.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

Epoch = Callable[[np.ndarray], tuple[float, float]]


def compiled_epoch(
    network: keras.Model, optimizer: keras.optimizers.Optimizer, x: np.ndarray, y: np.ndarray
) -> Epoch:
    """A function that trains `network` ((n, f) to logits) for one epoch on (n, f) x and (n,) y.

    The loss is softmax cross-entropy. The function takes (steps, batch) indices, changes the
    network's weights, and returns the mean loss and accuracy while learning.
    """
    optimizer.build(network.trainable_variables)
    make = _jax if keras.backend.backend() == "jax" else _tensorflow
    return make(network, optimizer, x, y)


def _loss(y, logits):
    logits = keras.ops.cast(logits, "float32")  # whatever the precision of the network
    return keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)


def _hits(y, logits):
    return keras.ops.cast(keras.ops.equal(keras.ops.argmax(logits, -1), y), "float32")


def _tensorflow(network, optimizer, x, y) -> Epoch:
    import tensorflow as tf

    x, y = tf.constant(x), tf.constant(y.astype(np.int64))
    variables = network.trainable_variables

    @tf.function(jit_compile=True)  # fuses a dozen passes over the weights into one
    def update(*gradients):
        optimizer.apply(list(gradients), variables)

    def step(chosen):
        targets = tf.gather(y, chosen)
        with tf.GradientTape() as tape:
            logits = network(tf.gather(x, chosen), training=True)
            loss = tf.reduce_mean(_loss(targets, logits))
        update(*tape.gradient(loss, variables))
        return tf.stack([loss, tf.reduce_mean(_hits(targets, logits))])

    @tf.function
    def epoch(order):
        total = tf.zeros(2)
        for chosen in order:
            total += step(chosen)
        return total / tf.cast(tf.shape(order)[0], tf.float32)

    def train(order: np.ndarray) -> tuple[float, float]:
        loss, accuracy = epoch(tf.constant(order)).numpy()
        return float(loss), float(accuracy)

    return train


def _jax(network, optimizer, x, y) -> Epoch:
    import jax

    x, y = jax.numpy.asarray(x), jax.numpy.asarray(y)

    def loss(trainable, rest, chosen):
        logits, rest = network.stateless_call(trainable, rest, x[chosen], training=True)
        return _loss(y[chosen], logits).mean(), (rest, _hits(y[chosen], logits).mean())

    def step(state, chosen):
        trainable, rest, moments = state
        (value, (rest, hits)), gradients = jax.value_and_grad(loss, has_aux=True)(
            trainable, rest, chosen
        )
        trainable, moments = optimizer.stateless_apply(moments, gradients, trainable)
        return (trainable, rest, moments), (value, hits)

    epoch = jax.jit(lambda state, order: jax.lax.scan(step, state, order))
    groups = (network.trainable_variables, network.non_trainable_variables, optimizer.variables)

    def train(order: np.ndarray) -> tuple[float, float]:
        # Read again each time: Keras donates the arrays whenever it predicts in between.
        state = tuple([v.value for v in group] for group in groups)
        state, (losses, hits) = epoch(state, order)
        for group, values in zip(groups, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return float(losses.mean()), float(hits.mean())

    return train
