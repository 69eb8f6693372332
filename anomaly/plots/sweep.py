"""How the settings of a sweep change its objective: a dot or a line for each job."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anomaly.plots.style import BLUE, SMALL, TEXT, notice, titled_figure

NARROW, WIDE = 5.0, 1.8  # inches of the chart of one setting, and for each axis of the other
MAP = colormaps["viridis"]


def sweep_chart(
    keys: Sequence[str],
    rows: Sequence[Sequence[str]],
    values: Sequence[float | None],
    objective: str,
) -> Figure:
    """The objective for each value of one setting; parallel coordinates of several.

    Args:
        keys: k names of settings.
        rows: n jobs, each k values as typed.
        values: n figures, None for jobs without one, which are left out.
    """
    known = [(row, value) for row, value in zip(rows, values, strict=True) if value is not None]
    if not known or not keys:
        return notice("sweep", "no job has a value of the objective")
    draw = _dots if len(keys) == 1 else _parallel
    return draw(keys, [row for row, _ in known], np.array([v for _, v in known]), objective)


def _dots(
    keys: Sequence[str], rows: Sequence[Sequence[str]], values: np.ndarray, name: str
) -> Figure:
    """A row for each job, in their order from the top; long values stay legible at its left."""
    figure = titled_figure(f"{name} by {keys[0]}", NARROW, 1.2 + 0.28 * len(rows))
    axes = figure.add_subplot()
    places = np.arange(len(rows))
    axes.grid(axis="y", color="0.88")  # bars would need an axis that begins at 0
    axes.set_axisbelow(True)
    axes.plot(values, places, "o", color=BLUE, clip_on=False)
    for place, value in zip(places, values, strict=True):
        axes.annotate(f"{value:.3f}", (value, place), (6, 0), textcoords="offset points",
                      va="center", fontsize=SMALL)  # fmt: skip
    axes.set_yticks(places, [row[0] for row in rows], fontsize=TEXT, parse_math=False)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.margins(x=0.15)
    if values.min() >= 0 and values.max() <= 1:  # shares: the axis ends at 1
        axes.set_xlim(right=min(1, axes.get_xlim()[1]))
    axes.set_xlabel(name, fontsize=TEXT, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _parallel(
    keys: Sequence[str], rows: Sequence[Sequence[str]], values: np.ndarray, name: str
) -> Figure:
    """An axis for each setting and one for the objective; a line is a job, brighter where better."""
    columns = [*map(list, zip(*rows, strict=True))]
    figure = titled_figure(f"{name} by {', '.join(keys)}", WIDE * (len(keys) + 1) + 1, 4.2)
    axes = figure.add_subplot()
    heights = np.stack([*map(_heights, columns), _scaled(values)], 1)
    for line, share in zip(heights[order := values.argsort()], _scaled(values)[order], strict=True):
        axes.plot(line, color=MAP(0.95 * share), alpha=0.8)
    for place, column in enumerate(columns):
        _ticks(axes, place, column)
    for value in dict.fromkeys((values.min(), values.max())):
        height = _scaled(values)[values.argmax() if value == values.max() else values.argmin()]
        axes.text(len(keys) + 0.04, height, f"{value:.3f}", va="center", fontsize=SMALL)
    axes.set_xticks(range(len(keys) + 1), [*keys, name], fontsize=TEXT, parse_math=False)
    axes.set_yticks([])
    axes.grid(axis="x", color="0.6")
    axes.set_xlim(-0.3, len(keys) + 0.35)
    axes.spines[:].set_visible(False)
    return figure


def _ticks(axes: Axes, place: int, column: Sequence[str]) -> None:
    """The values of one setting; of more than eight only the lowest and the highest."""
    heights = dict(zip(column, _heights(column), strict=True))
    if len(heights) > 8:
        ordered = sorted(heights, key=lambda text: heights[text])
        heights = {text: heights[text] for text in (ordered[0], ordered[-1])}
    look = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8}
    for text, height in heights.items():
        axes.text(place, height, _short(text), ha="center", va="center", fontsize=SMALL,
                  bbox=look, parse_math=False)  # fmt: skip


def _short(text: str) -> str:
    """Rounded, as Optuna gives numbers with all their digits."""
    number = _numbers([text])
    return text if number is None or len(text) < 8 else f"{number[0]:.3g}"


def _heights(column: Sequence[str]) -> np.ndarray:
    """(n,) 0..1: numbers to scale, logarithmic where they span decades; words at equal distances."""
    numbers = _numbers(column)
    if numbers is None:
        words = list(dict.fromkeys(column))
        return _scaled(np.array([words.index(text) for text in column], float))
    if (numbers > 0).all() and numbers.max() > 30 * numbers.min():
        numbers = np.log(numbers)
    return _scaled(numbers)


def _numbers(column: Sequence[str]) -> np.ndarray | None:
    try:
        return np.array([float(text) for text in column])
    except ValueError:
        return None


def _scaled(values: np.ndarray) -> np.ndarray:
    span = np.ptp(values)
    return (values - values.min()) / span if span else np.full(len(values), 0.5)
