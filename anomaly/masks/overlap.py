"""How much two masks overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Masks = Sequence[np.ndarray] | np.ndarray


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two (h, w) bool masks, 0..1; 0 where both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 0.0


def ious(ones: Masks, others: Masks) -> np.ndarray:
    """(n,) float64: the IoU of each of n pairs."""
    return np.array([iou(one, other) for one, other in zip(ones, others, strict=True)], np.float64)
