"""The scores of judged photos against those of validate."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anomaly.plots.style import BLUE, GREY, SMALL, TEXT, VERMILLION, titled_figure

# Most probabilities are near 0 or 1: a logit axis gives both ends room, up to these.
ENDS = (0.0005, 0.9995)
TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)


def drift_curves(
    scores: np.ndarray, photos: np.ndarray, mixture: np.ndarray, defects: float, title: str
) -> Figure:
    """Two cumulative curves, and the gap where they are farthest apart.

    Args:
        scores: (k,) ascending; in 0..1 they are drawn on a logit axis.
        photos: (k,) the share of photos with a score up to each, 0..1.
        mixture: (k,) the same of validate, in 0..1.
        defects: its share of defects, 0..1, for the legend.
    """
    figure = titled_figure(title, 5.6, 4.2)
    axes = figure.add_subplot()
    where = _axis(axes, scores)
    label = f"validate, mixed to {100 * defects:.0f} % defects"
    axes.step(where, mixture, where="post", color=BLUE, linewidth=1.8, label=label)
    axes.step(where, photos, where="post", color=VERMILLION, linewidth=1.8, label="these photos")
    _gap(axes, where, photos, mixture)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("score: the higher, the less like good parts", fontsize=TEXT)
    axes.set_ylabel("share of photos with at most this score", fontsize=TEXT)
    axes.tick_params(labelsize=SMALL)
    axes.grid(color="0.9", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(fontsize=SMALL, frameon=False, ncols=3, loc="outside lower center")
    return figure


def _axis(axes: Axes, scores: np.ndarray) -> np.ndarray:
    """Where scores are on the horizontal axis, whose ends lie a little outside them."""
    if scores[0] < 0 or scores[-1] > 1:
        return scores
    axes.set_xticks(_logit(np.array(TICKS)), [f"{tick:g}" for tick in TICKS])
    axes.set_xlim(*_logit(np.array(ENDS)) + np.array([-0.3, 0.3]))
    return _logit(scores)


def _logit(probability: np.ndarray) -> np.ndarray:
    inside = np.clip(probability, *ENDS)
    return np.log(inside / (1 - inside))


def _gap(axes: Axes, where: np.ndarray, photos: np.ndarray, mixture: np.ndarray) -> None:
    place = np.abs(photos - mixture).argmax()
    ends = sorted((photos[place], mixture[place]))
    label = f"distance {ends[1] - ends[0]:.2f}"
    axes.plot([where[place]] * 2, ends, color=GREY, linewidth=1.4, linestyle=":", label=label)
