"""A figure of images in rows, each row under its caption.

All are drawn into one pair of axes, in inches from the top left. With axes for each image, and a
layout that arranges them, drawing takes several times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from anomaly.plots.style import BOLD, DPI, TEXT, TITLE, wrapped

MARGIN, GAP, LINE = 0.2, 0.12, 0.18  # inches: around the grid, between images, of a line of text


class ImageGrid(NamedTuple):
    """An empty grid; the images of row k begin at `tops[k]`."""

    figure: Figure
    axes: Axes
    tops: list[float]
    side: float  # of an image

    def corner(self, row: int, column: int) -> tuple[float, float]:
        """Left and top of an image."""
        return column * (self.side + GAP), self.tops[row]

    def put(self, image: np.ndarray, row: int, column: int, **look: object) -> AxesImage:
        """Draw an (h, w) or (h, w, 3) image at its place."""
        (x, y), (width, height) = self.corner(row, column), self.size(image)
        extent = (x, x + width, y + height, y)
        return self.axes.imshow(image, extent=extent, aspect="auto", **look)  # type: ignore[arg-type]

    def frame(self, image: np.ndarray, row: int, column: int) -> None:
        """Draw a thin line around an image, so that a white border is seen on the white figure."""
        width, height = self.size(image)
        corner = self.corner(row, column)
        line = Rectangle(corner, width, height, fill=False, color="0.75", lw=0.8, clip_on=False)
        self.axes.add_patch(line)

    def size(self, image: np.ndarray) -> tuple[float, float]:
        """Width and height as drawn; the longer side is that of the grid."""
        height, width = image.shape[:2]
        longer = max(height, width)
        return self.side * width / longer, self.side * height / longer


def image_grid(
    columns: int,
    captions: Sequence[str],
    title: str,
    *,
    side: float,
    under: float = 0,
    foot: float = 0,
) -> ImageGrid:
    """An empty grid with a row of `columns` images for each caption.

    Args:
        captions: long ones are wrapped.
        side: of an image, inches.
        under: inches that stay free below each row.
        foot: inches that stay free at the bottom.
    """
    width = columns * (side + GAP) - GAP
    texts = [wrapped(text, width, TEXT) for text in captions]
    bottoms = np.cumsum([LINE * (text.count("\n") + 1) + GAP + side + under for text in texts])
    figure, axes = _figure(wrapped(title, width, TITLE * BOLD), width, float(bottoms[-1]), foot)
    grid = ImageGrid(figure, axes, [float(bottom) - side - under for bottom in bottoms], side)
    for text, top in zip(texts, grid.tops, strict=True):
        axes.text(0, top - 0.04, text, fontsize=TEXT, va="bottom", parse_math=False)
    return grid


def _figure(heading: str, width: float, height: float, foot: float) -> tuple[Figure, Axes]:
    """A figure under its heading, with empty axes of this width and height in inches."""
    head = MARGIN + 0.22 * (heading.count("\n") + 1)
    wide, high = width + 2 * MARGIN, head + height + foot + MARGIN
    figure = Figure(figsize=(wide, high), dpi=DPI)
    look = {"fontsize": TITLE, "fontweight": "bold"}
    # Names of folders are text: a dollar sign must not start a formula.
    figure.suptitle(heading, y=1 - MARGIN / 2 / high, parse_math=False, **look)
    axes = figure.add_axes((MARGIN / wide, (MARGIN + foot) / high, width / wide, height / high))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(height, 0), autoscale_on=False)
    return figure, axes
