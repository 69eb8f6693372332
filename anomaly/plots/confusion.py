"""Which class is mistaken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anomaly.plots.style import GREY, SMALL, TEXT, text_width, titled_figure

CELL = 0.68  # inches; holds 12345 above 99.9 %
SLANT = 40  # degrees of the column names, if they are wider than their columns
FAINTEST = 0.15  # where on the colour scale the smallest share lies, 0..1
DARK = 0.65  # above this share a cell is too dark for black text


def confusion_matrix(confusion: np.ndarray, classes: Sequence[str], title: str) -> Figure:
    """Counts and row percentages; true classes in rows, predicted classes in columns.

    Correct predictions are blue and mistakes orange, the darker the larger their share of the row.

    Args:
        confusion: (c, c) counts.
        classes: c names; those of the rows are shown with their number of images.
    """
    named = [f"{name} ({total})" for name, total in zip(classes, confusion.sum(1), strict=True)]
    side = CELL * len(classes)
    margin = max(text_width(name, TEXT) for name in named) + 0.6
    figure = titled_figure(title, side + margin + 0.5, side + _depth(classes) + 0.9)
    axes = figure.add_subplot()
    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    axes.imshow(_colours(shares))
    _name(axes, classes, named)
    _count(axes, confusion, shares)
    return figure


def _slanted(classes: Sequence[str]) -> bool:
    return max(text_width(name, TEXT) for name in classes) > CELL


def _depth(classes: Sequence[str]) -> float:
    """Inches that the names below the columns take."""
    longest = max(text_width(name, TEXT) for name in classes)
    return 0.2 + longest * np.sin(np.radians(SLANT)) * _slanted(classes)


def _colours(shares: np.ndarray) -> np.ndarray:
    """(c, c) in 0..1 to (c, c, 4) RGBA; only 0 is white, so that a single mistake stands out."""
    right = np.eye(len(shares), dtype=bool)[..., None]
    tint = FAINTEST + (1 - FAINTEST) * shares
    colours = np.where(right, colormaps["Blues"](tint), colormaps["Oranges"](tint))
    return np.where(shares[..., None] > 0, colours, 1.0)


def _name(axes: Axes, classes: Sequence[str], named: Sequence[str]) -> None:
    turn: dict[str, Any] = {"rotation": SLANT, "ha": "right", "rotation_mode": "anchor"}
    where = range(len(classes))
    plain: dict[str, Any] = {"fontsize": TEXT, "parse_math": False}
    axes.set_xticks(where, classes, **plain, **(turn if _slanted(classes) else {}))
    axes.set_yticks(where, named, **plain)
    axes.set_xlabel("predicted class", fontsize=TEXT)
    axes.set_ylabel("true class (images)", fontsize=TEXT)
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(1, len(classes)) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, len(classes)) - 0.5, minor=True)
    axes.grid(which="minor", color="0.9", linewidth=1)
    axes.tick_params(which="minor", length=0)


def _count(axes: Axes, confusion: np.ndarray, shares: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(confusion):
        share = float(shares[row, column])
        text = f"{count}\n{_percent(share)}" if count else "0"
        colour = GREY if not count else "white" if share > DARK else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=SMALL, color=colour)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %".replace(".0 %", " %")
