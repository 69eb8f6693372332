"""From the outputs of the region proposal network to a fixed number of regions of interest."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import KerasTensor as Tensor
from keras import ops

from anomaly.model.mask_rcnn.layers import boxes as box_ops
from anomaly.model.mask_rcnn.layers.anchors import anchors
from anomaly.model.mask_rcnn.layers.nms import suppress

VARIANCE = (1.0, 1.0, 1.0, 1.0)  # deltas are in units of the anchor


@keras.saving.register_keras_serializable("anomaly")
class Proposals(keras.layers.Layer):
    """The boxes with the highest scores, clipped, after non-maximum suppression on each level.

    Takes a list of (b, a, 1) logits and a list of (b, a, 4) deltas, one for each level P2 to P6;
    returns (b, after, 4) boxes in pixels, padded with empty ones (0, 0, 0, 0).

    Args:
        before: boxes of a level before suppression; after: boxes of an image after it; threshold:
            the IoU above which the box with the lower score is suppressed.

    Source: Lin et al. 2017, 4.1: the levels are suppressed separately.
    """

    def __init__(
        self,
        image_size: int,
        scales: Sequence[float],
        ratios: Sequence[float],
        before: int,
        after: int,
        threshold: float,
        **kwargs,
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.image_size = image_size
        self.scales, self.ratios = list(scales), list(ratios)
        self.before, self.after = before, after
        self.threshold = threshold
        self.anchors = anchors(image_size, scales, ratios)

    def call(self, logits: list[Tensor], deltas: list[Tensor]) -> Tensor:
        levels = zip(self.anchors, logits, deltas, strict=True)
        by_level = [self._of_level(*level) for level in levels]
        boxes = ops.concatenate([boxes for boxes, _ in by_level], 1)
        scores = ops.concatenate([scores for _, scores in by_level], 1)
        scores, best = ops.top_k(scores, min(self.after, scores.shape[1]))
        boxes = ops.take_along_axis(boxes, best[..., None], 1)
        boxes = ops.where(scores[..., None] >= 0, boxes, 0.0)
        missing = self.after - boxes.shape[1]
        return ops.stop_gradient(ops.pad(boxes, ((0, 0), (0, missing), (0, 0))))

    def _of_level(self, anchors, logits: Tensor, deltas: Tensor) -> tuple[Tensor, Tensor]:
        scores, best = ops.top_k(ops.sigmoid(logits[..., 0]), min(self.before, len(anchors)))
        chosen = ops.take(ops.convert_to_tensor(anchors), best, axis=0)
        deltas = ops.take_along_axis(deltas, best[..., None], 1)
        boxes = box_ops.decode(chosen, deltas, VARIANCE)
        boxes = box_ops.clip(boxes, self.image_size)
        return boxes, suppress(boxes, scores, self.threshold)

    def compute_output_shape(self, logits_shape, deltas_shape):
        return (logits_shape[0][0], self.after, 4)

    def get_config(self) -> dict:
        names = ("image_size", "scales", "ratios", "before", "after", "threshold")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
