"""Lays predictions and truth side by side, by id and never by position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from anomaly.metrics.average_precision import Judged, judge
from anomaly.types import Predictions, Truth

SPELLED_OUT = 3  # ids in an error message


@dataclass(frozen=True)
class Joined:
    """Predictions and truth of the same images, row by row; `join` makes it."""

    predictions: Predictions
    truth: Truth

    @cached_property
    def judged(self) -> Judged | None:
        """The detections matched to the true instances, once; None where either are missing."""
        detections = self.predictions.detections
        return None if detections is None else judge(self.truth, detections)


def join(predictions: Predictions, truth: Truth) -> Joined:
    """Both, in the order of the sorted ids; copied only where they were in another order.

    Sorting both makes scores independent of the order of the images to the last bit: sums
    of floats round differently, and average precision ranks ties by position.

    Raises:
        ValueError: their ids, classes or grids differ, an id repeats, or a label is no class.
    """
    _expect_same_ids(predictions.ids, truth.ids)
    _expect_same_classes(predictions, truth)
    _expect_same_grid(predictions, truth)
    _expect_known_labels(predictions, truth)
    return Joined(_sorted_predictions(predictions), _sorted_truth(truth))


def _sorted_predictions(predictions: Predictions) -> Predictions:
    order = _order(predictions.ids)
    return predictions if order is None else predictions.select(order)


def _sorted_truth(truth: Truth) -> Truth:
    order = _order(truth.ids)
    if order is None:
        return truth
    ids = tuple(truth.ids[place] for place in order)
    return replace(truth, ids=ids, labels=truth.labels[order], instances=truth.instances[order])


def _order(ids: Sequence[str]) -> list[int] | None:
    """The places of the ids from the first to the last; None where they are sorted."""
    order = sorted(range(len(ids)), key=lambda place: ids[place])
    return None if order == [*range(len(ids))] else order


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
    grid = truth.instances.shape[1:]
    for shape in predictions.grids - {grid}:
        raise ValueError(f"predictions are on a grid of {shape} pixels, truth on {grid}")


def _expect_known_labels(predictions: Predictions, truth: Truth) -> None:
    labels = [truth.labels, *(detected.labels for detected in predictions.detections or ())]
    unknown = set(np.concatenate(labels).tolist()) - set(range(len(truth.classes)))
    if unknown:
        raise ValueError(f"labels {sorted(unknown)} are none of the {len(truth.classes)} classes")


def _some(ids: Collection[str]) -> str:
    """How many, and the first few: "4 (a, b, c, ...)"."""
    if not ids:
        return "none"
    first = [*sorted(ids)[:SPELLED_OUT], *["..."] * (len(ids) > SPELLED_OUT)]
    return f"{len(ids)} ({', '.join(first)})"
