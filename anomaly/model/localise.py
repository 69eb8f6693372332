"""From a heat map to pixels called defective and to instances, by a threshold chosen on validate."""

from __future__ import annotations

import numpy as np

from anomaly.masks.boxes import boxes_of
from anomaly.masks.components import components
from anomaly.masks.overlap import ious
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
    heat, masks = heat[defective], masks[defective]
    means = [ious(heat >= threshold, masks).mean() for threshold in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(means))])


def instances(heat: np.ndarray, proba: np.ndarray, threshold: float) -> Detections:
    """The 8-connected components of (h, w) `heat` at or above the threshold.

    Each is named after the image's most probable defect type in (c,) `proba`, and scored by
    that probability times the mean heat inside it.
    """
    label_map, areas = components(heat >= threshold)
    kept = 1 + np.flatnonzero(areas >= MIN_AREA)
    masks = label_map == kept[:, None, None]
    label = 1 + int(proba[1:].argmax())
    scores = [float(proba[label] * heat[mask].mean()) for mask in masks]
    return Detections(
        boxes=boxes_of(masks),
        masks=masks,
        scores=np.array(scores, np.float32),
        labels=np.full(len(kept), label, np.int64),
    )
