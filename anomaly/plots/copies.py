"""What augmentation does to an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from anomaly.plots.sheet import sheet
from anomaly.plots.style import SMALL, notice

SIDE, UNDER = 1.3, 0.2  # inches of one image, and of what is said under it
FEWEST = 3  # columns; even a lone image has room for its caption


def copies(rows: Sequence[Sequence[np.ndarray]], captions: Sequence[str], title: str) -> Figure:
    """A grid: each row an image followed by its augmented copies.

    Args:
        rows: images (h, w, 3) uint8 RGB; rows may differ in length, images in size.
        captions: one text over each row.
    """
    if not any(len(row) for row in rows):
        return notice(title, "no image to show")
    columns = max(FEWEST, *(len(row) for row in rows))
    page = sheet(columns, captions, title, side=SIDE, under=UNDER)
    for row, images in zip(range(len(captions)), rows, strict=True):
        for column, image in enumerate(images):
            page.put(image, row, column)
            page.frame(image, row, column)
            x, y = page.corner(row, column)
            name = f"copy {column}" if column else "original"
            below = y + SIDE + 0.04
            page.axes.text(x + SIDE / 2, below, name, ha="center", va="top", fontsize=SMALL)
    return page.figure
