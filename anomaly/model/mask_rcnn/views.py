"""Test-time augmentation: what turned views of an image show, merged as an ensemble's members are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from anomaly.masks.boxes import boxes_of
from anomaly.masks.merging import merge
from anomaly.model.mask_rcnn.paste import found
from anomaly.model.pictures import turn, turn_back
from anomaly.types import Detections

Rows = Sequence[dict[str, np.ndarray]]  # the network's answer, one mapping for each image
Seen = tuple[Detections, np.ndarray]  # what an image shows, and its heat map


def look(
    ask: Callable[[np.ndarray], Rows], images: np.ndarray, grid: int, views: int
) -> list[Seen]:
    """Detections and heat of (n, s, s, 3) images on the (grid, grid) square.

    Of several views heat is the mean, a mask is what half of the views say, and a box is that of
    its mask. An instance that some views miss is so much less sure.
    """
    scale = grid / images.shape[1]
    by_view = [
        [_turned_back(found(row, scale, grid), view) for row in ask(_turned(images, view))]
        for view in range(views)
    ]
    return (
        by_view[0] if views == 1 else [_merged(of_image) for of_image in zip(*by_view, strict=True)]
    )


def _turned(images: np.ndarray, view: int) -> np.ndarray:
    return np.stack([turn(image, view) for image in images])


def _turned_back(seen: Seen, view: int) -> Seen:
    detections, heat = seen
    if view == 0:
        return seen
    turned = [turn_back(mask, view) for mask in detections.masks]
    masks = np.array(turned, bool).reshape(-1, *heat.shape)
    seen_upright = Detections(boxes_of(masks), masks, detections.scores, detections.labels)
    return seen_upright, turn_back(heat, view)


def _merged(seen: Sequence[Seen]) -> Seen:
    detections, heat = zip(*seen, strict=True)
    weights = np.full(len(seen), 1 / len(seen))
    return merge(detections, weights), np.stack(heat).mean(0, dtype=np.float32)
