"""The targets of the losses: what the network should output for the sampled boxes."""

from __future__ import annotations

from typing import NamedTuple

from keras import KerasTensor as Tensor
from keras import ops

from anomaly.model.mask_rcnn.layers import boxes as box_ops
from anomaly.model.mask_rcnn.layers.roi_align import sample_points
from anomaly.model.mask_rcnn.learning.matching import SampledBoxes, match, pick, sample

POSITIVE_ANCHORS = 0.5  # of the sampled ones, at most (Ren et al. 2015, 3.1.3)


class Regions(NamedTuple):
    """The sampled regions of interest, with their instances and classes."""

    boxes: Tensor  # (b, k, 4), positive ones first
    sampled: SampledBoxes
    instance: Tensor  # (b, k) int32, the true box that overlaps most
    labels: Tensor  # (b, k) int32, the class; 0 for background


def of_anchors(
    anchors: Tensor, true_boxes: Tensor, draw: Tensor, count: int, variance: tuple[float, ...]
) -> tuple[SampledBoxes, Tensor]:
    """`count` of the (a, 4) anchors, by (b, g, 4) true boxes, and their (b, count, 4) target deltas."""
    repeated = ops.broadcast_to(anchors, (ops.shape(true_boxes)[0], *anchors.shape))
    matches = match(repeated, true_boxes, low=0.3, high=0.7, best_counts=True)
    sampled = sample(matches, draw, count, POSITIVE_ANCHORS)
    instance = ops.take_along_axis(matches.instance, sampled.places, 1)
    boxes = pick(repeated, sampled.places)
    deltas = box_ops.encode(boxes, pick(true_boxes, instance), variance)
    return sampled, ops.where(sampled.positive[..., None] > 0, deltas, 0.0)


def of_regions(
    proposals: Tensor, true_boxes: Tensor, labels: Tensor, draw: Tensor, count: int, share: float
) -> Regions:
    """`count` of the (b, n, 4) proposals and of the true boxes, which are candidates as well."""
    candidates = ops.concatenate([proposals, true_boxes], 1)
    matches = match(candidates, true_boxes, low=0.5, high=0.5, best_counts=False)
    sampled = sample(matches, draw, count, share)
    instance = ops.take_along_axis(matches.instance, sampled.places, 1)
    classes = ops.take_along_axis(labels, instance, 1) * ops.cast(sampled.positive, "int32")
    return Regions(pick(candidates, sampled.places), sampled, instance, classes)


def of_masks(label_map: Tensor, boxes: Tensor, instance: Tensor, bins: int) -> Tensor:
    """(b, m, bins, bins): 1 if the instance of the region covers at least half of a bin.

    `label_map` is (b, h, w) int32: k + 1 on the pixels of instance k, 0 elsewhere.
    """
    side = label_map.shape[1]
    sides = ops.full_like(instance, side)
    cells, weights = sample_points(boxes, sides, bins)
    flat = ops.reshape(label_map, (-1, side * side))
    regions, points = cells.shape[1], cells.shape[2] * cells.shape[3]
    numbers = ops.take_along_axis(flat, ops.reshape(cells, (-1, regions * points)), 1)
    numbers = ops.reshape(numbers, (-1, *cells.shape[1:]))
    inside = ops.cast(ops.equal(numbers, instance[..., None, None] + 1), "float32")
    coverage = ops.sum(inside * weights, -1)
    return ops.cast(ops.reshape(coverage >= 0.5, (-1, regions, bins, bins)), "float32")
