"""Lays predictions and truth side by side, by id and never by position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from anomaly.types import Predictions, Truth

NAMED = 3  # ids that an error message spells out


def joined(predictions: Predictions, truth: Truth) -> tuple[Predictions, Truth]:
    """Both, in the order of the sorted ids.

    Sorting both makes scores independent of the order of the images to the last bit: sums
    of floats round differently, and average precision ranks ties by position.

    Raises:
        ValueError: their ids, classes or grids differ, an id repeats, or a label is no class.
    """
    _expect_same_ids(predictions.ids, truth.ids)
    _expect_same_classes(predictions, truth)
    _expect_same_grid(predictions, truth)
    _expect_known_labels(predictions, truth)
    return predictions.select(_order(predictions.ids).tolist()), _sorted_truth(truth)


def _sorted_truth(truth: Truth) -> Truth:
    order = _order(truth.ids)
    ids = tuple(sorted(truth.ids))
    return replace(truth, ids=ids, labels=truth.labels[order], instances=truth.instances[order])


def _order(ids: Sequence[str]) -> np.ndarray:
    return np.array(sorted(range(len(ids)), key=lambda i: ids[i]), np.int64)


def _expect_same_ids(predicted: Sequence[str], true: Sequence[str]) -> None:
    for name, ids in (("predictions", predicted), ("truth", true)):
        if repeated := [i for i, times in Counter(ids).items() if times > 1]:
            raise ValueError(f"{name} list an image more than once: {_some(repeated)}")
    lacking, surplus = set(true) - set(predicted), set(predicted) - set(true)
    if lacking or surplus:
        raise ValueError(
            "predictions and truth are not of the same images: "
            f"{_some(lacking)} without a prediction, {_some(surplus)} without a truth"
        )


def _expect_same_classes(predictions: Predictions, truth: Truth) -> None:
    if tuple(predictions.classes) != tuple(truth.classes):
        raise ValueError(
            f"predictions are of the classes {predictions.classes}, truth of {truth.classes}"
        )


def _expect_same_grid(predictions: Predictions, truth: Truth) -> None:
    grid = truth.masks.shape[1:]
    segmented = {predictions.segmentation.shape[1:]}
    detected = {found.masks.shape[1:] for found in predictions.detections if len(found)}
    for shape in (segmented | detected) - {grid}:
        raise ValueError(f"predictions are on a grid of {shape} pixels, truth on {grid}")


def _expect_known_labels(predictions: Predictions, truth: Truth) -> None:
    labels = [truth.labels, *(found.labels for found in predictions.detections)]
    strange = set(np.concatenate(labels).tolist()) - set(range(len(truth.classes)))
    if strange:
        raise ValueError(f"labels {sorted(strange)} are none of the {len(truth.classes)} classes")


def _some(ids: Collection[str]) -> str:
    """How many, and the first few: "4 (a, b, c, ...)"."""
    if not ids:
        return "none"
    first = [*sorted(ids)[:NAMED], *["..."] * (len(ids) > NAMED)]
    return f"{len(ids)} ({', '.join(first)})"
