"""Where a model sees defects and of which type, beside where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from anomaly.plots.image_grid import ImageGrid, image_grid
from anomaly.plots.style import SMALL, notice
from anomaly.types import Detections

SIDE, FOOT = 2.9, 0.65  # inches of an image, and of the legend
HEAT = "plasma"
OPACITY = 0.75  # of the hottest pixel; the coldest are transparent
COLUMNS, HEATED, DETECTED = 3, 1, 2  # and which of them show the heat and the detections
SHOWN = 6  # detections drawn in one image
PINK = "#FF9DE0"  # detections
CYAN = "#00E5FF"  # the true outline: no heat has this colour, and no wood, glass or metal


def overlays(
    images: np.ndarray,
    heat: np.ndarray,
    masks: np.ndarray,
    detections: Sequence[Detections],
    classes: Sequence[str],
    captions: Sequence[str],
    title: str,
) -> Figure:
    """One row per case: the image, its heat with the true outline, and the surest detections.

    Args:
        images: (n, h, w, 3) uint8 RGB.
        heat: (n, h, w) in 0..1.
        masks: (n, h, w) bool, the true defect; no outline where it is empty.
        detections: n, in pixels of the images; each is drawn with its box, type and score.
        captions: n texts, one above each row; long ones are wrapped.
    """
    if not len(images):
        return notice(title, "no image to show")
    grid = image_grid(COLUMNS, captions, title, side=SIDE, foot=FOOT)
    rows = zip(range(len(captions)), images, heat, masks, detections, strict=True)
    for row, image, hot, mask, detected in rows:
        _case(grid, row, image, hot, mask)
        _detections(grid, row, detected, classes)
    _legend(grid.figure)
    return grid.figure


def _case(grid: ImageGrid, row: int, image: np.ndarray, heat: np.ndarray, mask: np.ndarray) -> None:
    for column in range(COLUMNS):
        grid.put(image, row, column)
        grid.frame(image, row, column)
    opacity = OPACITY * np.clip(heat, 0, 1)
    grid.put(heat, row, HEATED, cmap=HEAT, vmin=0, vmax=1, alpha=opacity)
    if mask.any():
        _outline(grid, row, HEATED, mask)


def _detections(grid: ImageGrid, row: int, detected: Detections, classes: Sequence[str]) -> None:
    """The surest few, the surest on top; more would hide the image."""
    order = np.argsort(-detected.scores, kind="stable")[:SHOWN]
    strong = [k for k in order if detected.scores[k] >= detected.scores[order[0]] / 2]
    for place in reversed(strong):
        mask = detected.masks[place]
        (x1, y1), (x2, y2) = (
            _on(grid, row, DETECTED, mask, *p) for p in detected.boxes[place].reshape(2, 2)
        )
        frame = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, color=PINK, lw=1.2)
        grid.axes.add_patch(frame)
        _outline(grid, row, DETECTED, mask, PINK)
        name = f"{classes[detected.labels[place]]} {detected.scores[place]:.2f}"
        low = detected.boxes[place][1] < 0.1 * len(mask)  # no room above: the name goes below
        right = detected.boxes[place][0] > 0.6 * len(mask)  # it ends where its box ends
        grid.axes.annotate(
            name, (x2 if right else x1, y2 if low else y1), (0, -2 if low else 2),
            textcoords="offset points", ha="right" if right else "left",
            va="top" if low else "bottom", fontsize=SMALL, color="white", parse_math=False,
            path_effects=[withStroke(linewidth=2.2, foreground="black")],
        )  # fmt: skip


def _outline(grid: ImageGrid, row: int, column: int, mask: np.ndarray, colour: str = CYAN) -> None:
    padded = np.pad(mask, 1).astype(np.float32)  # closes the line where a defect meets the border
    centres = (np.arange(size) - 0.5 for size in padded.shape[::-1])
    x, y = _on(grid, row, column, mask, *centres)
    line = grid.axes.contour(x, y, padded, levels=[0.5], colors=colour, linewidths=1.4)
    line.set_path_effects([withStroke(linewidth=2.8, foreground="black")])


def _on(grid: ImageGrid, row: int, column: int, mask: np.ndarray, x, y) -> tuple:
    """Pixels of a picture, counted from its top left corner, as inches of the grid."""
    (left, top), (width, height) = grid.corner(row, column), grid.size(mask)
    return left + x * width / mask.shape[1], top + y * height / mask.shape[0]


def _legend(figure: Figure) -> None:
    hot = ScalarMappable(Normalize(0, 1), HEAT)
    height = figure.get_figheight()
    place = figure.add_axes((0.15, (FOOT - 0.1) / height, 0.7, 0.16 / height))
    bar = figure.colorbar(hot, cax=place, orientation="horizontal")
    bar.set_label(
        "heat: how defective a pixel looks; cyan: the true defect; pink: detections",
        fontsize=SMALL,
    )
    bar.ax.tick_params(labelsize=SMALL)
