"""The separate defects of a mask."""

from __future__ import annotations

import cv2
import numpy as np


def numbered(mask: np.ndarray, least: int) -> np.ndarray:
    """(h, w) int32: 1 on the largest 8-connected component of a (h, w) bool mask, 2 on the next.

    One of fewer than `least` pixels is noise, unless there is no larger one: a defect that was
    marked is never nothing.
    """
    count, labelled, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    if count == 1:  # the background alone
        return labelled
    areas = stats[1:, cv2.CC_STAT_AREA]
    order = np.argsort(-areas, kind="stable")
    kept = order[areas[order] >= min(least, areas.max())]
    number = np.zeros(count, np.int32)
    number[kept + 1] = np.arange(1, len(kept) + 1)
    return number[labelled]
