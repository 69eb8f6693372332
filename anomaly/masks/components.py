"""The connected components of a mask: the separate defects that it shows."""

from __future__ import annotations

import cv2
import numpy as np


def components(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 8-connected components of a (h, w) bool mask, in OpenCV's order.

    Returns:
        (h, w) int32 label map, k on component k from 1 and 0 elsewhere; (k,) int32 areas, pixels.
    """
    _, label_map, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return label_map, stats[1:, cv2.CC_STAT_AREA]


def largest_first(mask: np.ndarray, min_area: int) -> np.ndarray:
    """(h, w) int32 label map of the components of a (h, w) bool mask, 1 on the largest.

    One of fewer than `min_area` pixels is noise, unless there is no larger one: a defect that was
    marked is never nothing.
    """
    label_map, areas = components(mask)
    order = np.argsort(-areas, kind="stable")
    kept = order[areas[order] >= min(min_area, areas.max(initial=0))]
    number = np.zeros(len(areas) + 1, np.int32)
    number[kept + 1] = np.arange(1, len(kept) + 1)
    return number[label_map]


def masks_of(label_map: np.ndarray) -> np.ndarray:
    """(k, h, w) bool: where each number above 0 of a (h, w) label map is, by number."""
    numbers = np.unique(label_map[label_map > 0])
    return label_map == numbers[:, None, None]
