"""From detections to the class of an image and its defective pixels, by thresholds from validate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anomaly.masks.overlap import iou
from anomaly.types import Detections

EPSILON = 1e-6  # scores stay this far from 0 and 1, where odds are not finite
PIXEL_THRESHOLDS = np.linspace(0.05, 0.95, 19)


def best_scores(detections: Sequence[Detections], classes: int) -> np.ndarray:
    """(n, c - 1): the highest score of each defect type in each image; 0 without a detection."""
    scores = np.zeros((len(detections), classes - 1))
    for row, of_image in zip(scores, detections, strict=True):
        np.maximum.at(row, of_image.labels - 1, of_image.scores)
    return scores


def probabilities(scores: np.ndarray, threshold: float) -> np.ndarray:
    """(n, c) from (n, c - 1) best scores; good is most probable if all are below the threshold.

    The weight of a defect type is its odds divided by the odds of the threshold, and the weight of
    good is 1. So the most probable class is that of the best detection, if its score is above the
    threshold, and otherwise good.
    """
    clipped = np.clip(scores, EPSILON, 1 - EPSILON)
    odds = clipped / (1 - clipped) * (1 - threshold) / threshold
    weights = np.concatenate([np.ones((len(scores), 1)), odds], 1)
    return weights / weights.sum(1, keepdims=True)


def choose_class_threshold(
    scores: np.ndarray, labels: np.ndarray, min_score: float = EPSILON
) -> float:
    """The middle of the widest range of thresholds with the best accuracy on (n,) `labels`.

    Width is measured in log odds. `scores` are the (n, c - 1) best scores of each class. Scores
    below `min_score` are never reported, so the threshold does not go below it.
    """
    best, predicted = scores.max(1), 1 + scores.argmax(1)
    low, high = min(max(min_score, EPSILON), 0.5), 1 - EPSILON
    edges = np.unique(np.clip(np.concatenate([[low, high], best]), low, high))
    logits = np.log(edges / (1 - edges))
    candidates = 1 / (1 + np.exp(-(logits[1:] + logits[:-1]) / 2))
    accuracies = [(np.where(best >= t, predicted, 0) == labels).mean() for t in candidates]
    order = np.lexsort((np.diff(logits), accuracies))
    return float(candidates[order[-1]])


def segmentation(detections: Detections, threshold: float) -> np.ndarray:
    """(h, w) bool: the union of the masks of detections at or above the threshold."""
    return np.any(detections.masks[detections.scores >= threshold], axis=0)


def choose_pixel_threshold(detections: Sequence[Detections], masks: np.ndarray) -> float:
    """The score threshold whose segmentation has the best mean IoU over defective images.

    `masks` are the true ones, (n, h, w) bool. 0.5 if no image is defective.
    """
    pairs = [(d, mask) for d, mask in zip(detections, masks, strict=True) if mask.any()]
    if not pairs:
        return 0.5
    means = [
        np.mean([iou(segmentation(d, t), mask) for d, mask in pairs]) for t in PIXEL_THRESHOLDS
    ]
    return float(PIXEL_THRESHOLDS[int(np.argmax(means))])
