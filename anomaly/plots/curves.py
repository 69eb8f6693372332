"""Losses, metrics and learning rates, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from anomaly.plots.style import BLUE, SMALL, TEXT, VERMILLION, notice, titled_figure

Series = Sequence[tuple[int, float]]  # (epoch, value)

VALIDATION = "val_"
FIRST = ("loss", "accuracy")  # the panels that people look at first
SHARES = ("accuracy", "iou", "map")  # always on an axis from 0 to 1
DOTTED = 30  # up to this many epochs, each has a dot: one epoch alone would make no line
MANY = 300  # beyond this many epochs their noise would fill the panel: they are pale, and
POINTS = 100  # a bold line shows the mean of every 1/100 of them
WIDE = 100  # a larger range than this is drawn on a logarithmic axis


def training_curves(series: Mapping[str, Series], title: str) -> Figure:
    """One panel per quantity, in it `name` (training) and `val_name` (validation) as lines.

    Args:
        series: {name: [(epoch, value), ...]}, in any order; a value that is not finite is a gap.
    """
    panels = _panels(series)
    if not panels:
        return notice(title, "no epoch was trained")
    columns = min(2, len(panels))
    height = -(-len(panels) // columns)
    figure = titled_figure(title, 5.2 * columns, 3.0 * height + 0.5)
    for place, (name, lines) in enumerate(panels.items(), 1):
        _draw(figure.add_subplot(height, columns, place), name, lines)
    return figure


def _panels(series: Mapping[str, Series]) -> dict[str, dict[str, Series]]:
    """{quantity: {"training" or "validation": series}}, those of FIRST first."""
    panels: dict[str, dict[str, Series]] = {name: {} for name in FIRST}
    for name, values in series.items():
        if values:
            part = "validation" if name.startswith(VALIDATION) else "training"
            panels.setdefault(name.removeprefix(VALIDATION), {})[part] = values
    return {name: lines for name, lines in panels.items() if lines}


def _draw(axes: Axes, name: str, lines: Mapping[str, Series]) -> None:
    axes.set_xlabel("epoch", fontsize=TEXT)
    for part, colour in (("training", BLUE), ("validation", VERMILLION)):
        if part in lines:
            alone = lines.keys() == {"training"}  # such as a learning rate, which is of no part
            _line(axes, lines[part], "" if alone else f"{part}, ", colour)
    _scale(axes, name, np.array([value for line in lines.values() for _, value in line]))
    axes.set_title(name, fontsize=TEXT, loc="left", parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, min_n_ticks=1))
    axes.tick_params(labelsize=SMALL)
    axes.grid(color="0.9", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=SMALL, frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))


def _line(axes: Axes, series: Series, prefix: str, colour: str) -> None:
    epochs, values = np.array(sorted(series), np.float64).T
    values[~np.isfinite(values)] = np.nan
    last = f"{prefix}last {values[-1]:.4g}"
    if len(epochs) <= MANY:
        marker = "o" if len(epochs) <= DOTTED else None
        axes.plot(epochs, values, color=colour, label=last, marker=marker, ms=4)
        return
    window = len(epochs) // POINTS
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
