"""Numbers about pixels: does the predicted region cover the defect?"""

from __future__ import annotations

import numpy as np

from anomaly.masks.overlap import ious
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
    out[shown] = ious(truth.masks[shown], segmentation[shown])
    return {"iou": out}
