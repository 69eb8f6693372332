"""What augmentation does to an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from anomaly.plots.image_grid import image_grid
from anomaly.plots.style import SMALL, notice

SIDE, UNDER = 1.3, 0.2  # inches of an image, and of the text below it
FEWEST = 3  # columns, so that a single image has room for its caption


def augmented_images(
    rows: Sequence[Sequence[np.ndarray]], captions: Sequence[str], title: str
) -> Figure:
    """A grid; each row is an image, followed by its augmented versions.

    Args:
        rows: images (h, w, 3) uint8 RGB; rows may differ in length, images in size.
        captions: one text above each row.
    """
    if not any(len(row) for row in rows):
        return notice(title, "no image to show")
    columns = max(FEWEST, *(len(row) for row in rows))
    grid = image_grid(columns, captions, title, side=SIDE, under=UNDER)
    for row, images in zip(range(len(captions)), rows, strict=True):
        for column, image in enumerate(images):
            grid.put(image, row, column)
            grid.frame(image, row, column)
            x, y = grid.corner(row, column)
            name = f"version {column}" if column else "original"
            below = y + SIDE + 0.04
            grid.axes.text(x + SIDE / 2, below, name, ha="center", va="top", fontsize=SMALL)
    return grid.figure
