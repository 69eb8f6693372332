"""Non-maximum suppression in fixed shapes, the same on every backend."""

from __future__ import annotations

from keras import KerasTensor as Tensor
from keras import ops

from anomaly.model.mask_rcnn.layers.boxes import iou

SUPPRESSED = -1.0  # the score of a suppressed box


def suppress(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """(b, n) scores; SUPPRESSED if a kept box with a higher score overlaps by more than `threshold`.

    Args:
        boxes: (b, n, 4).
        scores: (b, n) in 0..1, sorted, the highest first; below 0 for padding.
        threshold: IoU.

    A box is kept if no kept box before it overlaps it. This is solved by iteration: after k rounds
    the first k boxes are correct. It ends when nothing changes, after as many rounds as the longest
    chain of boxes that suppress each other, which is short.
    """
    before = _before(ops.shape(boxes)[1])
    overlapping = ops.cast(iou(boxes, boxes) > threshold, "float32") * before
    present = ops.cast(scores >= 0, "float32")
    kept, _ = ops.while_loop(
        lambda kept, last: ops.any(ops.not_equal(kept, last)),
        lambda kept, last: (_round(kept, present, overlapping), kept),
        (_round(present, present, overlapping), present),
    )
    return ops.where(kept > 0, scores, SUPPRESSED)


def _before(count: int) -> Tensor:
    """(n, n): 1 where the column is before the row."""
    places = ops.arange(count)
    return ops.cast(places[None, :] < places[:, None], "float32")


def _round(kept: Tensor, present: Tensor, overlapping: Tensor) -> Tensor:
    """The boxes that no box in `kept` suppresses."""
    suppressors = ops.matmul(overlapping, kept[..., None])[..., 0]
    return present * ops.cast(suppressors < 0.5, "float32")
