"""The separate defects of an image, as instance metrics count them."""

from __future__ import annotations

import cv2
import numpy as np


def instances(numbered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of (h, w) uint8 with k on the pixels of instance k and 0 elsewhere, by their numbers.

    Returns:
        boxes (k, 4) int64, (x1, y1, x2, y2) pixels, x2 and y2 exclusive; masks (k, h, w) bool.
    """
    numbers = np.unique(numbered[numbered > 0])
    masks = numbered == numbers[:, None, None]
    sides = [cv2.boundingRect(mask.astype(np.uint8)) for mask in masks]
    corner, size = np.split(np.array(sides, np.int64).reshape(-1, 4), 2, axis=1)
    return np.concatenate([corner, corner + size], 1), masks
