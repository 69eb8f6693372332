"""How training went, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from anomaly.plots.style import BLUE, SMALL, TEXT, VERMILLION, notice, page

Row = Sequence[tuple[int, float]]  # (epoch, value)

VALIDATE = "val_"
FIRST = ("loss", "accuracy")  # the panels that people look for
SHARES = ("accuracy", "iou", "map")  # always on an axis from 0 to 1
DOTTED = 30  # up to so many epochs, each is a dot: a line needs two
MANY = 300  # from so many on, the noise of single epochs would fill the panel:
STEADY = 100  # bold is the mean over this part of all epochs, the epochs themselves are pale
WIDE = 100  # a larger range than this is drawn on a logarithmic axis


def training_curves(rows: Mapping[str, Row], title: str) -> Figure:
    """One panel per quantity, in it `name` (training) and `val_name` (validation) as lines.

    Args:
        rows: {name: [(epoch, value), ...]}, in any order; values that are not finite leave a gap.
    """
    panels = _panels(rows)
    if not panels:
        return notice(title, "no epoch was trained")
    columns = min(2, len(panels))
    height = -(-len(panels) // columns)
    figure = page(title, 5.2 * columns, 3.0 * height + 0.5)
    for place, (name, lines) in enumerate(panels.items(), 1):
        _draw(figure.add_subplot(height, columns, place), name, lines)
    return figure


def _panels(rows: Mapping[str, Row]) -> dict[str, dict[str, Row]]:
    """{quantity: {"train" or "validate": row}}, the well-known quantities first."""
    panels: dict[str, dict[str, Row]] = {name: {} for name in FIRST}
    for name, row in rows.items():
        if row:
            part = "validate" if name.startswith(VALIDATE) else "train"
            panels.setdefault(name.removeprefix(VALIDATE), {})[part] = row
    return {name: lines for name, lines in panels.items() if lines}


def _draw(axes: Axes, name: str, lines: Mapping[str, Row]) -> None:
    axes.set_xlabel("epoch", fontsize=TEXT)
    for part, colour in (("train", BLUE), ("validate", VERMILLION)):
        if part in lines:
            alone = lines.keys() == {"train"}  # a learning rate is of no part
            _line(axes, lines[part], "" if alone else f"{part}, ", colour)
    _scale(axes, name, np.array([value for row in lines.values() for _, value in row]))
    axes.set_title(name, fontsize=TEXT, loc="left", parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, min_n_ticks=1))
    axes.tick_params(labelsize=SMALL)
    axes.grid(color="0.9", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=SMALL, frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))


def _line(axes: Axes, row: Row, of: str, colour: str) -> None:
    epochs, values = np.array(sorted(row), np.float64).T
    values[~np.isfinite(values)] = np.nan
    last = f"{of}last {values[-1]:.4g}"
    if len(epochs) <= MANY:
        marker = "o" if len(epochs) <= DOTTED else None
        axes.plot(epochs, values, color=colour, label=last, marker=marker, ms=4)
        return
    window = len(epochs) // STEADY
    means = [np.convolve(line, np.ones(window) / window, "valid") for line in (epochs, values)]
    axes.plot(epochs, values, color=colour, alpha=0.3, linewidth=0.8)
    axes.plot(*means, color=colour, label=last)
    axes.set_xlabel(f"epoch (bold: mean of {window})", fontsize=TEXT)


def _scale(axes: Axes, name: str, values: np.ndarray) -> None:
    values = values[np.isfinite(values)]
    if name in SHARES:
        axes.set_ylim(-0.03, 1.03)
    elif len(values) and values.min() > 0 and values.max() > WIDE * values.min():
        axes.set_yscale("log")
