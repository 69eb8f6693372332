"""The box around a mask."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(x1, y1, x2, y2) of a (h, w) bool mask that is not empty, x2 and y2 exclusive."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return x, y, x + width, y + height


def boxes_of(masks: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """(k, 4) float32 boxes of k such masks, k from 0."""
    return np.array([box_of(mask) for mask in masks], np.float32).reshape(-1, 4)
