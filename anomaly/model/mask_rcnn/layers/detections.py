"""From the outputs of the box head to a fixed number of detections."""

from __future__ import annotations

import keras
from keras import KerasTensor as Tensor
from keras import ops

from anomaly.model.mask_rcnn.layers import boxes as box_ops
from anomaly.model.mask_rcnn.layers.nms import suppress

VARIANCE = (0.1, 0.1, 0.2, 0.2)  # of the box head's deltas, as in all released code


@keras.saving.register_keras_serializable("anomaly")
class Detect(keras.layers.Layer):
    """The boxes with the highest scores, after non-maximum suppression within each class.

    Takes (b, r, 4) regions, (b, r, c) logits, (b, r, c - 1, 4) deltas; returns boxes (b, k, 4) in
    pixels, scores (b, k), and labels (b, k) int32 from 1. If fewer than k scores reach `least`, the
    remaining ones are below 0. A box without area, from padding or outside of the image, is no
    detection.

    Args:
        image_size: pixels; count: k, detections of an image; least: the minimum score; threshold:
            the IoU above which the box with the lower score is suppressed.
    """

    def __init__(
        self, image_size: int, count: int, least: float, threshold: float, **kwargs
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.image_size, self.count = image_size, count
        self.least, self.threshold = least, threshold

    def call(self, regions: Tensor, logits: Tensor, deltas: Tensor) -> tuple[Tensor, ...]:
        count, types = deltas.shape[1], deltas.shape[2]
        boxes = box_ops.decode(regions[:, :, None], deltas, VARIANCE)
        boxes = ops.transpose(box_ops.clip(boxes, self.image_size), (0, 2, 1, 3))
        proba = ops.transpose(ops.softmax(logits)[:, :, 1:], (0, 2, 1))
        proba = ops.where(ops.all(boxes[..., 2:] > boxes[..., :2], -1), proba, -1.0)
        by_class = self._suppressed(
            ops.reshape(boxes, (-1, count, 4)), ops.reshape(proba, (-1, count))
        )
        boxes, scores = (ops.reshape(x, (-1, types * count, *x.shape[2:])) for x in by_class)
        kept = min(self.count, types * count)
        best_scores, best = ops.top_k(scores, kept)
        best_boxes = ops.take_along_axis(boxes, best[..., None], 1)
        labels = ops.cast(best // count, "int32") + 1
        missing = ((0, 0), (0, self.count - kept))
        return (
            ops.pad(best_boxes, (*missing, (0, 0))),
            ops.pad(best_scores, missing, constant_values=-1.0),
            ops.pad(labels, missing, constant_values=1),
        )

    def _suppressed(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes and scores of each class, sorted by score; suppressed ones have a score below 0."""
        count = boxes.shape[1]
        scores, order = ops.top_k(ops.where(scores >= self.least, scores, -1.0), count)
        boxes = ops.take_along_axis(boxes, order[..., None], 1)
        return boxes, suppress(boxes, scores, self.threshold)

    def compute_output_shape(self, regions_shape, logits_shape, deltas_shape):
        batch = regions_shape[0]
        return (batch, self.count, 4), (batch, self.count), (batch, self.count)

    def get_config(self) -> dict:
        names = ("image_size", "count", "least", "threshold")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("anomaly")
class OfClass(keras.layers.Layer):
    """From (b, k, s, s, c - 1) masks, those (b, k, s, s) of each region's class, (b, k) from 1."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, masks: Tensor, labels: Tensor) -> Tensor:
        chosen = ops.maximum(labels - 1, 0)[:, :, None, None, None]
        return ops.take_along_axis(masks, chosen, -1)[..., 0]

    def compute_output_shape(self, masks_shape, labels_shape):
        return masks_shape[:-1]
