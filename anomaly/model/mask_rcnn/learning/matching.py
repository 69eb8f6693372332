"""Which true instance an anchor or a region is of, and which of them teach."""

from __future__ import annotations

from typing import NamedTuple

from keras import KerasTensor as Tensor
from keras import ops

from anomaly.model.mask_rcnn.layers.boxes import iou


class Match(NamedTuple):
    """What (b, n) boxes are of, against (b, g) true ones."""

    instance: Tensor  # (b, n) int32, the true box that overlaps most
    positive: Tensor  # (b, n) bool, it is that instance
    negative: Tensor  # (b, n) bool, it is background; neither: it teaches nothing


class Sample(NamedTuple):
    """The boxes that teach: positive ones first, then negative ones."""

    places: Tensor  # (b, k) int32 among the boxes
    positive: Tensor  # (b, k) float32, 1 or 0
    valid: Tensor  # (b, k) float32, 0 where there were not enough boxes


def match(boxes: Tensor, true: Tensor, low: float, high: float, best_counts: bool) -> Match:
    """Overlap decides.

    1. A box that overlaps a true one by IoU `high` or more is that instance.
    2. With `best_counts`, so is a box that overlaps a true one more than any other box does.
    3. A box that overlaps every true one by less than `low` is background.
    4. All others are neither; so are empty boxes, which stand for none.

    Args:
        boxes: (b, n, 4); true: (b, g, 4), empty where there is none.

    Source: Ren et al. 2015, 3.1.2 (anchors: 0.3, 0.7, the best counts); Girshick, "Fast R-CNN",
    ICCV 2015, 2.3 (regions: 0.5, 0.5, it does not).
    """
    overlap = iou(boxes, true)
    most = ops.max(overlap, -1)
    positive = most >= high
    if best_counts:
        best = ops.max(overlap, 1, keepdims=True)
        positive = positive | ops.any((overlap >= best) & (best > 0), -1)
    real = _area(boxes) > 0
    negative = (most < low) & ~positive & real
    return Match(ops.cast(ops.argmax(overlap, -1), "int32"), positive & real, negative)


def sample(found: Match, draw: Tensor, count: int, positive_share: float) -> Sample:
    """Draw `count` boxes of each image, at most `positive_share` of them positive.

    `draw` is (b, n) in 0..1, one lot for each box; the highest are taken, so that whoever gives
    the same lots gets the same boxes.
    """
    most = round(count * positive_share)
    lots = ops.where(found.positive, draw, -1.0)
    worst_taken = ops.top_k(lots, most)[0][:, -1:]
    taken = found.positive & (lots >= worst_taken)
    order = ops.where(taken, 2 + draw, ops.where(found.negative, draw, -1.0))
    values, places = ops.top_k(order, count)
    return Sample(
        ops.cast(places, "int32"),
        ops.cast(values >= 2, "float32"),
        ops.cast(values >= 0, "float32"),
    )


def pick(rows: Tensor, places: Tensor) -> Tensor:
    """(b, k, ...) those of (b, n, ...) rows that (b, k) places name."""
    return ops.take_along_axis(rows, places[..., None], 1)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
