"""Test-time augmentation: the findings in turned views of an image, merged like ensemble members."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from anomaly.masks.boxes import boxes_of
from anomaly.masks.merging import merge
from anomaly.model.answers.paste import Findings, Rows, findings
from anomaly.model.pictures import turn, turn_back
from anomaly.types import Detections

Network = Callable[[np.ndarray], Sequence[Rows]]  # (n, s, s, 3) images to the rows of each


def find(network: Network, images: np.ndarray, grid: int, views: int) -> list[Findings]:
    """Detections and heat of (n, s, s, 3) images on the (grid, grid) square.

    Of several views, heat is the mean, a mask covers what half of the views cover, and a box is
    that of its mask. A view that misses an instance lowers its score.
    """
    scale = grid / images.shape[1]
    by_view = [
        [_turned_back(findings(rows, scale, grid), view) for rows in network(_turned(images, view))]
        for view in range(views)
    ]
    if views == 1:
        return by_view[0]
    return [_merged(of_image) for of_image in zip(*by_view, strict=True)]


def _turned(images: np.ndarray, view: int) -> np.ndarray:
    return np.stack([turn(image, view) for image in images])


def _turned_back(turned: Findings, view: int) -> Findings:
    if view == 0:
        return turned
    detections, heat = turned
    upright = [turn_back(mask, view) for mask in detections.masks]
    masks = np.array(upright, bool).reshape(-1, *heat.shape)
    detections = Detections(boxes_of(masks), masks, detections.scores, detections.labels)
    return Findings(detections, turn_back(heat, view))


def _merged(views: Sequence[Findings]) -> Findings:
    detections, heat = zip(*views, strict=True)
    weights = np.full(len(views), 1 / len(views))
    return Findings(merge(detections, weights), np.stack(heat).mean(0, dtype=np.float32))
