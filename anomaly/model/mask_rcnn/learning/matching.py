"""Which true instance each box shows, and which boxes the losses are computed on."""

from __future__ import annotations

from typing import NamedTuple

from keras import KerasTensor as Tensor
from keras import ops

from anomaly.model.mask_rcnn.layers.boxes import iou


class Matches(NamedTuple):
    """What (b, n) boxes show, of (b, g) true ones. A box may be neither positive nor negative."""

    instance: Tensor  # (b, n) int32, the true box that overlaps most
    positive: Tensor  # (b, n) bool, the box shows that instance
    negative: Tensor  # (b, n) bool, the box shows background


class SampledBoxes(NamedTuple):
    """The boxes that the losses are computed on: positive ones first, then negative ones."""

    places: Tensor  # (b, k) int32, indices of the boxes
    positive: Tensor  # (b, k) float32, 1 or 0
    valid: Tensor  # (b, k) float32, 0 for padding


def match(boxes: Tensor, true_boxes: Tensor, low: float, high: float, best_counts: bool) -> Matches:
    """Match boxes to instances by overlap.

    1. A box that overlaps a true one by IoU `high` or more is positive.
    2. With `best_counts`, so is the box that overlaps a true one most.
    3. A box that overlaps every true one by less than `low` is negative.
    4. All others are neither, and so are empty boxes, which are padding.

    Args:
        boxes: (b, n, 4).
        true_boxes: (b, g, 4), padded with empty ones.

    Source: Ren et al. 2015, 3.1.2 (anchors: 0.3, 0.7, with `best_counts`); Girshick, "Fast R-CNN",
    ICCV 2015, 2.3 (regions: 0.5, 0.5, without).
    """
    overlap = iou(boxes, true_boxes)
    most = ops.max(overlap, -1)
    positive = most >= high
    if best_counts:
        best = ops.max(overlap, 1, keepdims=True)
        positive = positive | ops.any((overlap >= best) & (best > 0), -1)
    real = _area(boxes) > 0
    negative = (most < low) & ~positive & real
    return Matches(ops.cast(ops.argmax(overlap, -1), "int32"), positive & real, negative)


def sample(matches: Matches, draw: Tensor, count: int, positive_share: float) -> SampledBoxes:
    """Choose `count` boxes of each image, at most `positive_share` of them positive.

    `draw` is (b, n) random numbers in 0..1, one for each box; the boxes with the highest are
    chosen, so the same numbers give the same boxes.
    """
    max_positive = round(count * positive_share)
    of_positive = ops.where(matches.positive, draw, -1.0)
    lowest_chosen = ops.top_k(of_positive, max_positive)[0][:, -1:]
    chosen = matches.positive & (of_positive >= lowest_chosen)
    priority = ops.where(chosen, 2 + draw, ops.where(matches.negative, draw, -1.0))
    values, places = ops.top_k(priority, count)
    return SampledBoxes(
        ops.cast(places, "int32"),
        ops.cast(values >= 2, "float32"),
        ops.cast(values >= 0, "float32"),
    )


def pick(rows: Tensor, places: Tensor) -> Tensor:
    """(b, k, ...): the rows of (b, n, ...) at (b, k) places."""
    return ops.take_along_axis(rows, places[..., None], 1)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
