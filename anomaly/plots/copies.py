"""What augmentation does to an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anomaly.plots.style import SMALL, TEXT, caption, notice, page, show, wrapped

SIDE = 1.3  # inches of one image
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
    width = SIDE * columns
    texts = [wrapped(text, width, TEXT) for text in captions]
    lines = sum(text.count("\n") + 1 for text in texts)
    figure = page(title, width, SIDE * len(rows) + 0.2 * lines + 0.8)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes, row, text in zip(grid, rows, texts, strict=True):
        _row(axes, row)
        caption(axes[0], text)
    return figure


def _row(places: Sequence[Axes], images: Sequence[np.ndarray]) -> None:
    for number, axes in enumerate(places):
        if number < len(images):
            show(axes, images[number])
            axes.set_xlabel(f"copy {number}" if number else "original", fontsize=SMALL)
        else:
            axes.set_visible(False)
