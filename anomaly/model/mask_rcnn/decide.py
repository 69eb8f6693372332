"""From detections to the class of an image and its defective pixels, by thresholds of validate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anomaly.masks.overlap import iou
from anomaly.types import Detections

EDGE = 1e-6  # scores are kept this far from 0 and 1, where odds end
CANDIDATES = np.linspace(0.05, 0.95, 19)


def strongest(detections: Sequence[Detections], classes: int) -> np.ndarray:
    """(n, c - 1): the score of each image's best detection of each defect type, 0 where none."""
    out = np.zeros((len(detections), classes - 1))
    for row, found in zip(out, detections, strict=True):
        np.maximum.at(row, found.labels - 1, found.scores)
    return out


def probabilities(scores: np.ndarray, threshold: float) -> np.ndarray:
    """(n, c) from (n, c - 1) strongest scores: good wins where all of them are below the threshold.

    Each class weighs its odds against those of the threshold, and good weighs 1. So the most
    probable class is that of the best detection, if it is above the threshold, and else good.
    """
    inside = np.clip(scores, EDGE, 1 - EDGE)
    odds = inside / (1 - inside) * (1 - threshold) / threshold
    weights = np.concatenate([np.ones((len(scores), 1)), odds], 1)
    return weights / weights.sum(1, keepdims=True)


def choose_threshold(scores: np.ndarray, labels: np.ndarray, least: float = EDGE) -> float:
    """The middle of the widest range of thresholds that name most of (n,) `labels` right.

    Width is measured in log odds. `scores` are (n, c - 1), strongest of each class. Those below
    `least` are not known and no reason for a threshold as low.
    """
    best, named = scores.max(1), 1 + scores.argmax(1)
    least = min(max(least, EDGE), 0.5)
    edges = np.unique(np.clip(np.concatenate([[least, 1 - EDGE], best]), least, 1 - EDGE))
    logits = np.log(edges / (1 - edges))
    middles = 1 / (1 + np.exp(-(logits[1:] + logits[:-1]) / 2))
    right = [(np.where(best >= t, named, 0) == labels).mean() for t in middles]
    order = np.lexsort((np.diff(logits), right))
    return float(middles[order[-1]])


def covered(detections: Detections, threshold: float) -> np.ndarray:
    """(h, w) bool: the union of the masks of detections at or above the threshold."""
    return np.any(detections.masks[detections.scores >= threshold], axis=0)


def choose_pixel_threshold(detections: Sequence[Detections], masks: np.ndarray) -> float:
    """The score from which masks count: that of the best mean IoU over defective images.

    `masks` are (n, h, w) bool, the truth. 0.5 where no image is defective.
    """
    pairs = [(d, mask) for d, mask in zip(detections, masks, strict=True) if mask.any()]
    if not pairs:
        return 0.5
    ious = [
        np.mean([iou(covered(found, threshold), mask) for found, mask in pairs])
        for threshold in CANDIDATES
    ]
    return float(CANDIDATES[int(np.argmax(ious))])
