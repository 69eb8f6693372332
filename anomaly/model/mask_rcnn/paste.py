"""From the network's fixed number of rows to the instances of an image on the evaluation grid."""

from __future__ import annotations

import cv2
import numpy as np

from anomaly.types import Detections

EPSILON = 1e-6


def paste(mask: np.ndarray, box: np.ndarray, side: int) -> np.ndarray:
    """(side, side) float32: the (s, s) probabilities stretched over their box, 0 outside of it.

    `box` is in pixels of that side. A pixel gets the bilinear value at its middle. A box so small
    that it has no pixel's middle fills the pixel that it lies in.
    """
    out = np.zeros((side, side), np.float32)
    x1, y1, x2, y2 = box
    columns, rows = _inside(x1, x2, side), _inside(y1, y2, side)
    if len(columns) and len(rows):
        x = ((columns + 0.5 - x1) / max(x2 - x1, EPSILON) * mask.shape[1] - 0.5).astype(np.float32)
        y = ((rows + 0.5 - y1) / max(y2 - y1, EPSILON) * mask.shape[0] - 0.5).astype(np.float32)
        across, down = np.meshgrid(x, y)
        out[np.ix_(rows, columns)] = cv2.remap(
            mask, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return out


def _inside(start: float, end: float, side: int) -> np.ndarray:
    """The pixels whose middle lies between the two, or else the one between them."""
    first, last = int(np.ceil(start - 0.5)), int(np.ceil(end - 0.5))
    if first == last:
        first = min(int((start + end) / 2), side - 1)
        last = first + 1
    return np.arange(max(first, 0), min(last, side))


def found(row: dict[str, np.ndarray], scale: float, side: int) -> tuple[Detections, np.ndarray]:
    """One image's detections on the (side, side) grid, and how defective each pixel looks.

    Args:
        row: boxes (k, 4), scores (k,), labels (k,), masks (k, s, s), as the network gives them.
        scale: pixels of the grid for one of the network's.

    A pixel is as defective as the surest detection says that covers it: its score times the
    probability of its mask there. A detection whose mask is sure of no pixel covers those at least
    half as probable as the most probable one: what was found is somewhere.
    """
    heat = np.zeros((side, side), np.float32)
    kept, masks = [], []
    for place in np.flatnonzero(row["scores"] >= 0):
        soft = paste(row["masks"][place], row["boxes"][place] * scale, side)
        heat = np.maximum(heat, soft * row["scores"][place])
        if soft.any():  # else its box lies outside of the image
            kept.append(place)
            masks.append(soft >= (0.5 if soft.max() >= 0.5 else soft.max() / 2))
    detections = Detections(
        boxes=(row["boxes"][kept] * scale).astype(np.float32).reshape(-1, 4),
        masks=np.array(masks, bool).reshape(-1, side, side),
        scores=np.clip(row["scores"][kept], 0, 1).astype(np.float32),
        labels=row["labels"][kept].astype(np.int64),
    )
    return detections, np.clip(heat, 0, 1)
