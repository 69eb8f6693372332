"""Precision over recall of the detections, from the surest on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from anomaly.plots.style import SMALL, TEXT, notice, titled_figure

# Source: M. Okabe and K. Ito, "Color universal design" (2008); more lines have other dashes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":")


def precision_recall_curves(curves: Mapping[str, np.ndarray], title: str) -> Figure:
    """One line per defect type, masks at IoU 0.50; the area under it is its average precision.

    Args:
        curves: {defect type: (101,) precision at recall 0, 0.01, .. 1}.
    """
    if not curves:
        return notice(title, "no defect in the truth")
    mean = np.mean([np.mean(curve) for curve in curves.values()])
    figure = titled_figure(f"{title}: map50 {mean:.3f}", 5.2, 4.6 + 0.2 * len(curves))
    axes = figure.add_subplot()
    for place, (name, curve) in enumerate(curves.items()):
        colour, dash = COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)]
        recall, area = np.linspace(0, 1, len(curve)), np.mean(curve)
        axes.plot(recall, curve, color=colour, linestyle=dash, label=f"{name}: AP {area:.3f}")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.05))
    axes.set_xlabel("recall: share of true instances that are detected", fontsize=TEXT)
    axes.set_ylabel("precision: share of detections that are correct", fontsize=TEXT)
    axes.grid(color="0.9", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SMALL)
    legend = figure.legend(fontsize=SMALL, frameon=False, loc="outside lower left")
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure
