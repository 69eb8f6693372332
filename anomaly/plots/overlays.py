"""Where a learner sees defects and what it calls them, beside where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from anomaly.plots.sheet import Sheet, sheet
from anomaly.plots.style import SMALL, notice
from anomaly.types import Detections

SIDE, FOOT = 2.9, 0.65  # inches of one image, and of the legend
HEAT = "plasma"
OPACITY = 0.75  # of the hottest pixel; cold ones leave the image as it is
COLUMNS, HOT, FOUND_AT = 3, 1, 2  # and which of them show heat and what was found
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
    page = sheet(COLUMNS, captions, title, side=SIDE, foot=FOOT)
    rows = zip(range(len(captions)), images, heat, masks, found, strict=True)
    for row, image, hot, mask, own in rows:
        _case(page, row, image, hot, mask)
        _instances(page, row, own, classes)
    _legend(page.figure)
    return page.figure


def _case(page: Sheet, row: int, image: np.ndarray, heat: np.ndarray, mask: np.ndarray) -> None:
    for column in range(COLUMNS):
        page.put(image, row, column)
        page.frame(image, row, column)
    opacity = OPACITY * np.clip(heat, 0, 1)
    page.put(heat, row, HOT, cmap=HEAT, vmin=0, vmax=1, alpha=opacity)
    if mask.any():
        _outline(page, row, HOT, mask)


def _instances(page: Sheet, row: int, found: Detections, classes: Sequence[str]) -> None:
    """The surest few, the surest on top; weak ones would hide the image."""
    order = np.argsort(-found.scores, kind="stable")[:SHOWN]
    strong = [k for k in order if found.scores[k] >= found.scores[order[0]] / 2]
    for place in reversed(strong):
        mask = found.masks[place]
        (x1, y1), (x2, y2) = (
            _on(page, row, FOUND_AT, mask, *p) for p in found.boxes[place].reshape(2, 2)
        )
        frame = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, color=FOUND, lw=1.2)
        page.axes.add_patch(frame)
        _outline(page, row, FOUND_AT, mask, FOUND)
        name = f"{classes[found.labels[place]]} {found.scores[place]:.2f}"
        low = found.boxes[place][1] < 0.1 * len(mask)  # no room above: the name goes below
        right = found.boxes[place][0] > 0.6 * len(mask)  # it ends where its box ends
        page.axes.annotate(
            name, (x2 if right else x1, y2 if low else y1), (0, -2 if low else 2),
            textcoords="offset points", ha="right" if right else "left",
            va="top" if low else "bottom", fontsize=SMALL, color="white", parse_math=False,
            path_effects=[withStroke(linewidth=2.2, foreground="black")],
        )  # fmt: skip


def _outline(page: Sheet, row: int, column: int, mask: np.ndarray, colour: str = OUTLINE) -> None:
    padded = np.pad(mask, 1).astype(np.float32)  # closes the line where a defect meets the border
    centres = (np.arange(size) - 0.5 for size in padded.shape[::-1])
    x, y = _on(page, row, column, mask, *centres)
    line = page.axes.contour(x, y, padded, levels=[0.5], colors=colour, linewidths=1.4)
    line.set_path_effects([withStroke(linewidth=2.8, foreground="black")])


def _on(page: Sheet, row: int, column: int, mask: np.ndarray, x, y) -> tuple:
    """Pixels of a picture, counted from its top left corner, as inches of the page."""
    (left, top), (width, height) = page.corner(row, column), page.size(mask)
    return left + x * width / mask.shape[1], top + y * height / mask.shape[0]


def _legend(figure: Figure) -> None:
    hot = ScalarMappable(Normalize(0, 1), HEAT)
    height = figure.get_figheight()
    place = figure.add_axes((0.15, (FOOT - 0.1) / height, 0.7, 0.16 / height))
    bar = figure.colorbar(hot, cax=place, orientation="horizontal")
    bar.set_label(
        "heat: how defective a pixel looks; cyan: the true defect; pink: instances found",
        fontsize=SMALL,
    )
    bar.ax.tick_params(labelsize=SMALL)
