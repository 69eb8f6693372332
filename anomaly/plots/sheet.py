"""A page of pictures in rows, each row under its caption.

All are drawn into one pair of axes, in inches from the top left: axes for each picture, and a layout
that arranges them, take several times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from anomaly.plots.style import BOLD, TEXT, TITLE, wrapped

MARGIN, GAP, LINE = 0.2, 0.12, 0.18  # inches: around the page, between pictures, of a line of text


class Sheet(NamedTuple):
    """An empty page; the pictures of row k begin at `tops[k]`."""

    figure: Figure
    axes: Axes
    tops: list[float]
    side: float  # of a picture

    def corner(self, row: int, column: int) -> tuple[float, float]:
        """Left and top of a picture."""
        return column * (self.side + GAP), self.tops[row]

    def put(self, image: np.ndarray, row: int, column: int, **look: object) -> AxesImage:
        """The (h, w) or (h, w, 3) image at its place."""
        (x, y), (width, height) = self.corner(row, column), self.size(image)
        extent = (x, x + width, y + height, y)
        return self.axes.imshow(image, extent=extent, aspect="auto", **look)  # type: ignore[arg-type]

    def frame(self, image: np.ndarray, row: int, column: int) -> None:
        """A thin line that sets a white border off the page."""
        width, height = self.size(image)
        corner = self.corner(row, column)
        line = Rectangle(corner, width, height, fill=False, color="0.75", lw=0.8, clip_on=False)
        self.axes.add_patch(line)

    def size(self, image: np.ndarray) -> tuple[float, float]:
        """Width and height on the page; the longer side is the sheet's."""
        height, width = image.shape[:2]
        longer = max(height, width)
        return self.side * width / longer, self.side * height / longer


def sheet(
    columns: int,
    captions: Sequence[str],
    title: str,
    *,
    side: float,
    under: float = 0,
    foot: float = 0,
) -> Sheet:
    """A page for `columns` pictures of `side` inches in a row for each caption; long ones are wrapped.

    `under` each row, and at the `foot` of the page, there is so much room for what belongs there.
    """
    width = columns * (side + GAP) - GAP
    heading = wrapped(title, width, TITLE * BOLD)
    head = MARGIN + 0.22 * (heading.count("\n") + 1)
    texts = [wrapped(text, width, TEXT) for text in captions]
    tops = list(np.cumsum([LINE * (text.count("\n") + 1) + GAP + side + under for text in texts]))
    page = width + 2 * MARGIN, head + tops[-1] + foot + MARGIN
    figure = Figure(figsize=page, dpi=110)
    # Names of users' folders are text: a dollar sign must not start a formula.
    figure.suptitle(
        heading, y=1 - MARGIN / 2 / page[1], fontsize=TITLE, fontweight="bold", parse_math=False
    )
    axes = figure.add_axes(
        (MARGIN / page[0], (MARGIN + foot) / page[1], width / page[0], tops[-1] / page[1])
    )
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(tops[-1], 0), autoscale_on=False)
    own = Sheet(figure, axes, [float(top) - side - under for top in tops], side)
    for text, top in zip(texts, own.tops, strict=True):
        axes.text(0, top - 0.04, text, fontsize=TEXT, va="bottom", parse_math=False)
    return own
