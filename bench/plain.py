"""Training as in Keras' transfer-learning guide: frozen backbone in the graph, images in memory."""

from __future__ import annotations

import time
from collections.abc import Callable

import keras
import numpy as np

BATCH = 32


def epoch_seconds(
    application: Callable[..., keras.Model], images: np.ndarray, labels: np.ndarray, weights
) -> float:
    """Seconds of the second epoch, without tracing; the head is that of the classic recipe."""
    base = application(include_top=False, weights=weights, input_shape=images.shape[1:])
    base.trainable = False
    image = keras.Input(images.shape[1:])
    x = keras.layers.GlobalAveragePooling2D()(base(image / 127.5 - 1, training=False))
    x = keras.layers.Dense(1024, activation="relu")(keras.layers.Dropout(0.2)(x))
    model = keras.Model(image, keras.layers.Dense(int(labels.max()) + 1, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, labels, batch_size=BATCH, verbose=0)
    start = time.perf_counter()
    model.fit(images, labels, batch_size=BATCH, verbose=0)
    return time.perf_counter() - start
