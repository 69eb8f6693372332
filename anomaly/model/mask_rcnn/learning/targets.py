"""What the network should have said of the boxes that teach it."""

from __future__ import annotations

from typing import NamedTuple

from keras import KerasTensor as Tensor
from keras import ops

from anomaly.model.mask_rcnn.layers import boxes as box_maths
from anomaly.model.mask_rcnn.layers.roi_align import sample_points
from anomaly.model.mask_rcnn.learning.matching import Sample, match, pick, sample

POSITIVE_ANCHORS = 0.5  # at most so many of the sampled ones (Ren et al. 2015, 3.1.3)


class Regions(NamedTuple):
    """Regions of interest, and what is true of them."""

    boxes: Tensor  # (b, k, 4), positive ones first
    sample: Sample
    instance: Tensor  # (b, k) int32, the instance that each is of
    labels: Tensor  # (b, k) int32, its class; 0 where it is background


def of_anchors(
    anchors: Tensor, true: Tensor, draw: Tensor, count: int, variance: tuple[float, ...]
) -> tuple[Sample, Tensor]:
    """The (a, 4) anchors that teach, by (b, g, 4) true boxes, and the (b, count, 4) deltas wanted."""
    every = ops.broadcast_to(anchors, (ops.shape(true)[0], *anchors.shape))
    found = match(every, true, low=0.3, high=0.7, best_counts=True)
    own = sample(found, draw, count, POSITIVE_ANCHORS)
    instance = ops.take_along_axis(found.instance, own.places, 1)
    wanted = box_maths.encode(pick(every, own.places), pick(true, instance), variance)
    return own, ops.where(own.positive[..., None] > 0, wanted, 0.0)


def of_regions(
    proposals: Tensor, true: Tensor, labels: Tensor, draw: Tensor, count: int, share: float
) -> Regions:
    """Those of the (b, n, 4) proposals and the true boxes themselves that teach the heads."""
    every = ops.concatenate([proposals, true], 1)
    found = match(every, true, low=0.5, high=0.5, best_counts=False)
    own = sample(found, draw, count, share)
    instance = ops.take_along_axis(found.instance, own.places, 1)
    named = ops.take_along_axis(labels, instance, 1) * ops.cast(own.positive, "int32")
    return Regions(pick(every, own.places), own, instance, named)


def of_masks(instances: Tensor, boxes: Tensor, instance: Tensor, bins: int) -> Tensor:
    """(b, m, bins, bins) 1 where the region's own instance covers half of a bin or more.

    `instances` is (b, h, w) int32: k + 1 on the pixels of instance k, 0 elsewhere.
    """
    side = instances.shape[1]
    sides = ops.full_like(instance, side)
    cells, weights = sample_points(boxes, sides, bins)
    flat = ops.reshape(instances, (-1, side * side))
    regions, points = cells.shape[1], cells.shape[2] * cells.shape[3]
    seen = ops.take_along_axis(flat, ops.reshape(cells, (-1, regions * points)), 1)
    seen = ops.reshape(seen, (-1, *cells.shape[1:]))
    own = ops.cast(ops.equal(seen, instance[..., None, None] + 1), "float32")
    share = ops.sum(own * weights, -1)
    return ops.cast(ops.reshape(share >= 0.5, (-1, regions, bins, bins)), "float32")
