"""Where a learner sees defects, beside where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from anomaly.plots.style import SMALL, TEXT, caption, notice, page, show, wrapped

SIDE = 2.9  # inches of one image
HEAT = "plasma"
OPACITY = 0.75  # of the hottest pixel; cold ones leave the image as it is
OUTLINE = "#00E5FF"  # cyan: in no heat colour, on no wood, glass or metal


def overlays(
    images: np.ndarray, heat: np.ndarray, masks: np.ndarray, captions: Sequence[str], title: str
) -> Figure:
    """One row per case: the image, and the image under its heat and the true mask's outline.

    Args:
        images: (n, h, w, 3) uint8 RGB.
        heat: (n, h, w) in 0..1.
        masks: (n, h, w) bool, the true defect; an empty one has no outline.
        captions: n texts, one over each row; long ones are wrapped.
    """
    if not len(images):
        return notice(title, "no image to show")
    texts = [wrapped(text, 2 * SIDE, TEXT) for text in captions]
    lines = sum(text.count("\n") + 1 for text in texts)
    figure = page(title, 2 * SIDE + 0.9, SIDE * len(images) + 0.2 * lines + 0.9)
    grid = figure.subplots(len(images), 2, squeeze=False)
    for row, image, hot, mask, text in zip(grid, images, heat, masks, texts, strict=True):
        _case(row, image, hot, mask)
        caption(row[0], text)
    _legend(figure, grid)
    return figure


def _case(row: Sequence[Axes], image: np.ndarray, heat: np.ndarray, mask: np.ndarray) -> None:
    for axes in row:
        show(axes, image)
    row[1].imshow(heat, cmap=HEAT, vmin=0, vmax=1, alpha=OPACITY * np.clip(heat, 0, 1))
    if mask.any():
        _outline(row[1], mask)


def _outline(axes: Axes, mask: np.ndarray) -> None:
    padded = np.pad(mask, 1).astype(np.float32)  # closes the line where a defect meets the border
    y, x = (np.arange(size) - 1 for size in padded.shape)
    line = axes.contour(x, y, padded, levels=[0.5], colors=OUTLINE, linewidths=1.4)
    line.set_path_effects([withStroke(linewidth=2.8, foreground="black")])


def _legend(figure: Figure, grid: np.ndarray) -> None:
    hot = ScalarMappable(Normalize(0, 1), HEAT)
    bar = figure.colorbar(hot, ax=grid, location="bottom", aspect=45, fraction=0.02, pad=0.01)
    bar.set_label("heat: how defective a pixel looks; cyan: the true defect", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
