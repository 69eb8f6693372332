"""Where in the image the patches lie whose words speak for a defect."""

from __future__ import annotations

import cv2
import numpy as np

SPREAD = 3 / 4  # of a patch's side: the standard deviation of its vote


def share_out(evidence: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """(k,): the (f,) evidence of each bin in equal shares to the patches in it, by (levels, k) bins."""
    counts = np.bincount(bins.ravel(), minlength=len(evidence))
    return (evidence / np.maximum(counts, 1))[bins].sum(0)


def spread(seen: np.ndarray, votes: np.ndarray, grid: int) -> np.ndarray:
    """(grid, grid) float32: the sum of every patch's vote as a Gaussian around it.

    Sides are rounded to half octaves, so that a few blurs do for all patches.
    """
    out = np.zeros((grid, grid), np.float32)
    x, y = (np.clip(seen[axis] * grid, 0, grid - 1).astype(np.int64) for axis in ("x", "y"))
    octaves = np.rint(2 * np.log2(seen["side"])) / 2
    for octave in np.unique(octaves):
        own = octaves == octave
        points = np.bincount((y * grid + x)[own], votes[own], grid**2).reshape(grid, grid)
        out += cv2.GaussianBlur(points.astype(np.float32), (0, 0), SPREAD * 2**octave * grid)
    return out


def heat(evidence: np.ndarray) -> np.ndarray:
    """(h, w) evidence without what speaks for good, scaled to at most 1."""
    warm = np.maximum(evidence, 0)
    return warm / max(float(warm.max()), 1e-12)
