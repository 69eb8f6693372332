"""Anchors, the boxes that the region proposal network refines: a few shapes around every cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

STRIDES = (4, 8, 16, 32, 64)  # pixels from cell to cell of P2 to P6


def anchors(image_size: int, scales: Sequence[float], ratios: Sequence[float]) -> list[np.ndarray]:
    """One (cells * ratios, 4) float32 array for each level: (x1, y1, x2, y2), in pixels.

    `scales` are the square roots of the areas, one for each level; `ratios` are height / width.
    Cells are in reading order, and the shapes of one cell follow each other.

    Source: Ren et al., "Faster R-CNN", NeurIPS 2015, 3.1.1; Lin et al., "Feature Pyramid Networks
    for Object Detection", CVPR 2017, 4.1.
    """
    return [
        _of_level(-(-image_size // stride), stride, scale, np.asarray(ratios))
        for stride, scale in zip(STRIDES, scales, strict=True)
    ]


def _of_level(cells: int, stride: int, scale: float, ratios: np.ndarray) -> np.ndarray:
    positions = (np.arange(cells) + 0.5) * stride
    y, x = np.meshgrid(positions, positions, indexing="ij")
    centres = np.stack([x, y], -1)[:, :, None]
    half = scale / 2 * np.stack([ratios**-0.5, ratios**0.5], -1)
    corners = np.concatenate([centres - half, centres + half], -1)
    return corners.reshape(-1, 4).astype(np.float32)
