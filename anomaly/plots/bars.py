"""Shares of several runs side by side, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anomaly.plots.style import BLUE, GREY, SMALL, TEXT, VERMILLION, notice, titled_figure, wrapped
from anomaly.types import Interval

WIDTH = 3.0  # inches of the longest bar; narrow, so that the text is legible on a phone
NAME = 2.0  # inches for names; longer ones are wrapped
BAR = 0.18  # inches of one bar
VALUES = 1.04  # where the numbers are written, right of the longest bar
COLOURS = (BLUE, VERMILLION)


def bars(
    names: Sequence[str], series: Mapping[str, Sequence[Interval | None]], title: str
) -> Figure:
    """Horizontal bars from 0 to 1, the first name on top, whiskers from low to high.

    Args:
        names: n texts; long ones are wrapped.
        series: {name of a figure: n shares}, one or two figures; None is drawn as a dash.
    """
    if not names:
        return notice(title, "no run to show")
    texts = [wrapped(name, NAME, TEXT) for name in names]
    lines = [max(len(series), text.count("\n") + 1) + 0.8 for text in texts]
    figure = titled_figure(title, NAME + WIDTH, BAR * sum(lines) + 1.1)
    axes = figure.add_subplot()
    middles = np.cumsum(lines) - np.array(lines) / 2  # in bars, from the top
    for number, (figure_name, shares) in enumerate(series.items()):
        places = middles + number - (len(series) - 1) / 2
        _draw(axes, places, shares, COLOURS[number], figure_name.replace("_", " "))
    _name(axes, middles, texts, sum(lines))
    return figure


def _draw(
    axes: Axes, places: np.ndarray, shares: Sequence[Interval | None], colour: str, name: str
) -> None:
    pairs = list(zip(places, shares, strict=True))
    for place in (place for place, share in pairs if share is None):
        axes.text(0.01, place, "–", va="center", fontsize=SMALL, color=GREY)
    known = [(place, share) for place, share in pairs if share is not None]
    if not known:
        return
    heights, present = zip(*known, strict=True)
    values = np.array([share.hits / share.total for share in present])
    ends = np.array([[share.low for share in present], [share.high for share in present]])
    whiskers = np.abs(ends - values)
    look = {"capsize": 2.5, "elinewidth": 1}
    axes.barh(heights, values, 0.85, xerr=whiskers, color=colour, error_kw=look, label=name)
    for place, value in zip(heights, values, strict=True):
        axes.text(VALUES, place, f"{value:.3f}", va="center", fontsize=SMALL)


def _name(axes: Axes, middles: np.ndarray, texts: Sequence[str], height: float) -> None:
    axes.set_yticks(middles, texts, fontsize=TEXT, parse_math=False)
    axes.set_ylim(height, 0)
    axes.set_xlim(0, VALUES + 0.14)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_xlabel("share; whiskers: 95 % interval", fontsize=TEXT)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if axes.containers:  # matplotlib warns of an empty legend
        place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1)}
        axes.legend(fontsize=SMALL, frameon=False, ncols=2, **place)
