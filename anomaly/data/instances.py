"""The separate defects of a mask."""

from __future__ import annotations

import cv2
import numpy as np


def separate(mask: np.ndarray, least: int) -> list[np.ndarray]:
    """The 8-connected components of a (h, w) bool mask, each (h, w) bool, the largest first.

    One of fewer than `least` pixels is noise, unless there is no larger one: a defect that was
    marked is never nothing.
    """
    count, labelled, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    areas = stats[1:, cv2.CC_STAT_AREA]  # row 0 is the background
    if count == 1:
        return []
    order = np.argsort(-areas, kind="stable")
    return [labelled == k + 1 for k in order if areas[k] >= min(least, areas.max())]
