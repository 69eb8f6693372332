"""Runs the network on images, a small batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import keras
import numpy as np

from anomaly.cache.store import Cache
from anomaly.data.images import load_images
from anomaly.model.answers.paste import Findings, Rows
from anomaly.model.answers.turned import find
from anomaly.runtime.progress import track
from anomaly.types import Image

BATCH = 2  # images at a time; the result of one does not depend on the others


def find_in_images(
    model: keras.Model,
    images: Sequence[Image],
    grid: int,
    views: int,
    cache: Cache,
    label: str = "",
) -> list[Findings]:
    """The findings in each image, merged over the views; a `label` names a progress bar."""
    side = model.input_shape[1]
    network = partial(predict_rows, model)
    results: list[Findings] = []
    starts = range(0, len(images), BATCH)
    for start in track(starts, label, len(starts)) if label else starts:
        pixels = load_images(images[start : start + BATCH], side, cache)
        results += find(network, pixels.astype(np.float32), grid, views)
    return results


def predict_rows(model: keras.Model, images: np.ndarray) -> list[Rows]:
    """The rows of each image; the batch is always full, so that one shape is compiled."""
    short = BATCH - len(images)
    full = np.concatenate([images, np.repeat(images[-1:], short, 0)]) if short else images
    outputs = {name: np.asarray(values) for name, values in model.predict_on_batch(full).items()}
    return [{name: values[k] for name, values in outputs.items()} for k in range(len(images))]
