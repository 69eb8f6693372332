"""Boxes (x1, y1, x2, y2) in pixels, and their encoding relative to anchors, by keras.utils."""

from __future__ import annotations

import math

from keras import KerasTensor as Tensor
from keras import ops
from keras.utils import bounding_boxes

LARGEST = math.log(1000 / 16)  # of a log growth; beyond it the exponential would overflow
FORMATS = ("xyxy", "xyxy", "center_xywh")


def encode(anchors: Tensor, boxes: Tensor, variance: tuple[float, ...]) -> Tensor:
    """(..., n, 4) deltas from anchors (..., n, 4) to boxes: shifts and log growths over `variance`.

    Source: Girshick et al., "Rich feature hierarchies ...", CVPR 2014, appendix C.
    """
    return bounding_boxes.encode_box_to_deltas(anchors, boxes, *FORMATS, variance=variance)


def decode(anchors: Tensor, deltas: Tensor, variance: tuple[float, ...]) -> Tensor:
    """The inverse of `encode`; growth is limited to 1000 / 16."""
    limit = [math.inf, math.inf, LARGEST / variance[2], LARGEST / variance[3]]
    deltas = ops.minimum(deltas, ops.convert_to_tensor(limit, "float32"))
    return bounding_boxes.decode_deltas_to_boxes(anchors, deltas, *FORMATS, variance=variance)


def clip(boxes: Tensor, image_size: int) -> Tensor:
    """Boxes (..., 4), cut off at the edges of a square image."""
    return ops.clip(boxes, 0, image_size)


def iou(one: Tensor, other: Tensor) -> Tensor:
    """(b, n, m) intersection over union of boxes (b, n, 4) and (b, m, 4); 0 for empty ones."""
    return bounding_boxes.compute_iou(one, other, "xyxy")
