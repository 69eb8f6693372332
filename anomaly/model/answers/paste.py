"""From the fixed number of rows of the network to the instances of an image on the evaluation grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np

from anomaly.types import Detections

EPSILON = 1e-6
Rows = Mapping[str, np.ndarray]  # of one image: boxes (k, 4), scores, labels (k,), masks (k, s, s)


class Findings(NamedTuple):
    """The instances of one image, and how defective each pixel looks."""

    detections: Detections
    heat: np.ndarray  # (grid, grid) float32 in 0..1


def paste(mask: np.ndarray, box: np.ndarray, grid: int) -> np.ndarray:
    """(grid, grid) float32: the (s, s) probabilities stretched over their box, 0 outside of it.

    `box` is in pixels of the grid. A pixel gets the bilinear value at its centre. A box so small
    that it contains no pixel's centre fills the pixel that it lies in.
    """
    out = np.zeros((grid, grid), np.float32)
    x1, y1, x2, y2 = box
    columns, rows = _pixels_between(x1, x2, grid), _pixels_between(y1, y2, grid)
    if len(columns) and len(rows):
        x = ((columns + 0.5 - x1) / max(x2 - x1, EPSILON) * mask.shape[1] - 0.5).astype(np.float32)
        y = ((rows + 0.5 - y1) / max(y2 - y1, EPSILON) * mask.shape[0] - 0.5).astype(np.float32)
        across, down = np.meshgrid(x, y)
        out[np.ix_(rows, columns)] = cv2.remap(
            mask, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return out


def _pixels_between(start: float, end: float, grid: int) -> np.ndarray:
    """The pixels whose centre lies between start and end; without one, the pixel between them."""
    first, last = int(np.ceil(start - 0.5)), int(np.ceil(end - 0.5))
    if first == last:
        first = min(int((start + end) / 2), grid - 1)
        last = first + 1
    return np.arange(max(first, 0), min(last, grid))


def findings(rows: Rows, scale: float, grid: int) -> Findings:
    """The detections of one image on the (grid, grid) square, and its heat.

    `scale` is pixels of the grid per pixel of the network's input.

    Heat is the maximum over all detections of the score times the probability of the mask. A mask
    that reaches 0.5 nowhere covers the pixels with at least half of its maximum, since a detection
    always covers some pixels.
    """
    heat = np.zeros((grid, grid), np.float32)
    kept, masks = [], []
    for place in np.flatnonzero(rows["scores"] >= 0):
        soft = paste(rows["masks"][place], rows["boxes"][place] * scale, grid)
        heat = np.maximum(heat, soft * rows["scores"][place])
        if soft.any():  # otherwise its box lies outside of the image
            kept.append(place)
            masks.append(soft >= (0.5 if soft.max() >= 0.5 else soft.max() / 2))
    detections = Detections(
        boxes=(rows["boxes"][kept] * scale).astype(np.float32).reshape(-1, 4),
        masks=np.array(masks, bool).reshape(-1, grid, grid),
        scores=np.clip(rows["scores"][kept], 0, 1).astype(np.float32),
        labels=rows["labels"][kept].astype(np.int64),
    )
    return Findings(detections, np.clip(heat, 0, 1))
