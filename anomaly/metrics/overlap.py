"""Numbers about pixels: does the predicted region cover the defect?"""

from __future__ import annotations

import numpy as np

from anomaly.types import Truth


def overlaps(truth: Truth, segmentation: np.ndarray) -> dict[str, np.ndarray]:
    """`iou`, 0..1: (n,) intersection over union of each defective image, any type; NaN elsewhere.

    A defective image whose mask is empty says nothing about pixels and is NaN too. Empty if no
    image is left.
    """
    shown = np.flatnonzero(truth.annotated)
    if not len(shown):
        return {}
    out = np.full(len(truth.ids), np.nan)
    out[shown] = _iou(truth.masks[shown], segmentation[shown])
    return {"iou": out}


def _iou(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(n, h, w) bool each, `true` never empty -> (n,) float64."""
    both = np.count_nonzero(true & predicted, (1, 2))
    either = np.count_nonzero(true | predicted, (1, 2))
    return both / either
