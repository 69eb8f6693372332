"""The separate defects of an image, as instance metrics count them."""

from __future__ import annotations

import numpy as np

from anomaly.fusion import box_of


def instances(numbered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of (h, w) uint8 with k on the pixels of instance k and 0 elsewhere, by their numbers.

    Returns:
        boxes (k, 4) int64, (x1, y1, x2, y2) pixels, x2 and y2 exclusive; masks (k, h, w) bool.
    """
    numbers = np.unique(numbered[numbered > 0])
    masks = numbered == numbers[:, None, None]
    return np.array([box_of(mask) for mask in masks], np.int64).reshape(-1, 4), masks
