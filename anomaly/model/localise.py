"""From a heat map to pixels called defective and to instances, by a threshold chosen on validate."""

from __future__ import annotations

import cv2
import numpy as np

from anomaly.types import Detections

THRESHOLDS = np.linspace(0.02, 0.98, 49)
MIN_AREA = 12  # pixels of the evaluation grid; a smaller component is noise


def choose_threshold(heat: np.ndarray, masks: np.ndarray) -> float:
    """The threshold of the best mean IoU over the defective images; 0.5 where there are none.

    `heat` is (n, h, w) in 0..1, `masks` (n, h, w) bool.
    """
    defective = masks.any((1, 2))
    if not defective.any():
        return 0.5
    ious = [_mean_iou(heat[defective] >= t, masks[defective]) for t in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(ious))])


def instances(heat: np.ndarray, proba: np.ndarray, threshold: float) -> Detections:
    """The 8-connected components of (h, w) `heat` at or above the threshold.

    Each is named after the image's most probable defect type in (c,) `proba`, and scored by
    that probability times the mean heat inside it.
    """
    _, components, stats, _ = cv2.connectedComponentsWithStats(
        (heat >= threshold).astype(np.uint8), connectivity=8
    )
    kept = [k for k in range(1, len(stats)) if stats[k, cv2.CC_STAT_AREA] >= MIN_AREA]
    masks = np.array([components == k for k in kept], bool).reshape(-1, *heat.shape)
    label = 1 + int(proba[1:].argmax())
    scores = [float(proba[label] * heat[mask].mean()) for mask in masks]
    return Detections(
        boxes=np.array([_box(stats[k]) for k in kept], np.float32).reshape(-1, 4),
        masks=masks,
        scores=np.array(scores, np.float32),
        labels=np.full(len(kept), label, np.int64),
    )


def _box(stat: np.ndarray) -> tuple[int, int, int, int]:
    x, y, width, height = stat[:4]
    return x, y, x + width, y + height


def _mean_iou(predicted: np.ndarray, true: np.ndarray) -> float:
    both = (predicted & true).sum((1, 2), dtype=np.int64)
    either = (predicted | true).sum((1, 2), dtype=np.int64)
    return float((both / either).mean())
