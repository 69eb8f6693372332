"""Numbers about pixels: does the predicted region cover the defect?"""

from __future__ import annotations

import numpy as np

from anomaly.types import Truth


def overlap(truth: Truth, segmentation: np.ndarray) -> dict[str, float]:
    """`iou`, 0..1: the mean over the defective images of intersection over union, any type.

    A defective image whose mask is empty says nothing about pixels and is left out.
    """
    shown = np.flatnonzero((truth.labels > 0) & truth.masks.any((1, 2)))
    if not len(shown):
        return {}
    return {"iou": float(_iou(truth.masks[shown], segmentation[shown]).mean())}


def _iou(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(n, h, w) bool each, `true` never empty -> (n,) float64."""
    both = np.count_nonzero(true & predicted, (1, 2))
    either = np.count_nonzero(true | predicted, (1, 2))
    return both / either
