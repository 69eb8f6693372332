"""Where a learner sees defects and what it calls them, beside where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from anomaly.plots.style import SMALL, TEXT, caption, notice, page, show, wrapped
from anomaly.types import Detections

SIDE = 2.9  # inches of one image
HEAT = "plasma"
OPACITY = 0.75  # of the hottest pixel; cold ones leave the image as it is
COLUMNS = 3
SHOWN = 6  # instances drawn in one image
FOUND = "#FF9DE0"  # pink: tells found from true
OUTLINE = "#00E5FF"  # cyan: in no heat colour, on no wood, glass or metal


def overlays(
    images: np.ndarray,
    heat: np.ndarray,
    masks: np.ndarray,
    found: Sequence[Detections],
    classes: Sequence[str],
    captions: Sequence[str],
    title: str,
) -> Figure:
    """One row per case: the image, its heat with the true outline, and the surest instances found.

    Args:
        images: (n, h, w, 3) uint8 RGB.
        heat: (n, h, w) in 0..1.
        masks: (n, h, w) bool, the true defect; an empty one has no outline.
        found: n, in pixels of the images; each is drawn with its box, type and score.
        captions: n texts, one over each row; long ones are wrapped.
    """
    if not len(images):
        return notice(title, "no image to show")
    texts = [wrapped(text, COLUMNS * SIDE, TEXT) for text in captions]
    lines = sum(text.count("\n") + 1 for text in texts)
    figure = page(title, COLUMNS * SIDE + 0.9, SIDE * len(images) + 0.2 * lines + 0.9)
    grid = figure.subplots(len(images), COLUMNS, squeeze=False)
    rows = zip(grid, images, heat, masks, found, texts, strict=True)
    for row, image, hot, mask, own, text in rows:
        _case(row, image, hot, mask)
        _instances(row[2], own, classes)
        caption(row[0], text)
    _legend(figure, grid)
    return figure


def _case(row: Sequence[Axes], image: np.ndarray, heat: np.ndarray, mask: np.ndarray) -> None:
    for axes in row:
        show(axes, image)
    row[1].imshow(heat, cmap=HEAT, vmin=0, vmax=1, alpha=OPACITY * np.clip(heat, 0, 1))
    if mask.any():
        _outline(row[1], mask)


def _instances(axes: Axes, found: Detections, classes: Sequence[str]) -> None:
    """The surest few, the surest on top; weak ones would hide the image."""
    order = np.argsort(-found.scores, kind="stable")[:SHOWN]
    strong = [k for k in order if found.scores[k] >= found.scores[order[0]] / 2]
    for place in reversed(strong):
        x1, y1, x2, y2 = found.boxes[place]
        frame = Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, color=FOUND, lw=1.2)
        axes.add_patch(frame)
        _outline(axes, found.masks[place], FOUND)
        name = f"{classes[found.labels[place]]} {found.scores[place]:.2f}"
        low = y1 < 0.1 * found.masks.shape[1]  # no room above: the name goes below
        axes.annotate(
            name, (x1, y2 if low else y1), (0, -2 if low else 2), textcoords="offset points",
            va="top" if low else "bottom", fontsize=SMALL, color="white", parse_math=False,
            in_layout=False, path_effects=[withStroke(linewidth=2.2, foreground="black")],
        )  # fmt: skip


def _outline(axes: Axes, mask: np.ndarray, colour: str = OUTLINE) -> None:
    padded = np.pad(mask, 1).astype(np.float32)  # closes the line where a defect meets the border
    y, x = (np.arange(size) - 1 for size in padded.shape)
    line = axes.contour(x, y, padded, levels=[0.5], colors=colour, linewidths=1.4)
    line.set_path_effects([withStroke(linewidth=2.8, foreground="black")])


def _legend(figure: Figure, grid: np.ndarray) -> None:
    hot = ScalarMappable(Normalize(0, 1), HEAT)
    bar = figure.colorbar(hot, ax=grid, location="bottom", aspect=45, fraction=0.02, pad=0.01)
    bar.set_label(
        "heat: how defective a pixel looks; cyan: the true defect; pink: instances found",
        fontsize=SMALL,
    )
    bar.ax.tick_params(labelsize=SMALL)
