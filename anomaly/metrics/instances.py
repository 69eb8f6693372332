"""Cuts a defect mask into the separate defects that instance metrics count."""

from __future__ import annotations

import cv2
import numpy as np


def instances(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 8-connected components of a (h, w) bool mask, in reading order of their first pixel.

    Returns:
        boxes (k, 4) int64, (x1, y1, x2, y2) pixels, x2 and y2 exclusive; masks (k, h, w) bool.
    """
    count, labelled, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    corner, size = stats[1:, :2].astype(np.int64), stats[1:, 2:4]  # row 0 is the background
    masks = labelled == np.arange(1, count)[:, None, None]
    return np.concatenate([corner, corner + size], 1), masks
