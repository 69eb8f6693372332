"""A map of the evidence: every patch votes at its place, by what its words say of a defect."""

from __future__ import annotations

import cv2
import numpy as np

SPREAD = 3 / 4  # of a patch's side: the standard deviation of its vote


def votes_of_patches(evidence: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """(k,): the (f,) evidence of each bin, divided equally among its patches, by (levels, k) bins."""
    counts = np.bincount(bins.ravel(), minlength=len(evidence))
    return (evidence / np.maximum(counts, 1))[bins].sum(0)


def vote_map(words: np.ndarray, votes: np.ndarray, grid: int) -> np.ndarray:
    """(grid, grid) float32: the sum of a Gaussian at each of (k,) WORD, as large as its vote.

    Sides are rounded to half octaves, so that a few blurs are enough for all patches.
    """
    out = np.zeros((grid, grid), np.float32)
    x, y = (np.clip(words[axis] * grid, 0, grid - 1).astype(np.int64) for axis in ("x", "y"))
    octaves = np.rint(2 * np.log2(words["side"])) / 2
    for octave in np.unique(octaves):
        chosen = octaves == octave
        points = np.bincount((y * grid + x)[chosen], votes[chosen], grid**2).reshape(grid, grid)
        out += cv2.GaussianBlur(points.astype(np.float32), (0, 0), SPREAD * 2**octave * grid)
    return out
