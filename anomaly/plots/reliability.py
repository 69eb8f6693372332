"""Whether confidence and accuracy agree."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from anomaly.plots.style import BLUE, GREY, SMALL, TEXT, notice, titled_figure

BOX = {
    "facecolor": "white",
    "edgecolor": "none",
    "alpha": 0.8,
    "pad": 0.5,
}  # of numbers, over lines


def reliability_diagram(
    confidence: np.ndarray, accuracy: np.ndarray, count: np.ndarray, error: float, title: str
) -> Figure:
    """Accuracy over confidence, one dot per bin with its number of images; ideal on the diagonal.

    Args:
        confidence: (b,) mean probability of the predicted class, 0..1.
        accuracy: (b,) share classified correctly, 0..1.
        count: (b,) images; the area of a dot grows with it.
        error: the expected calibration error, 0..1, for the title.
    """
    if not len(count):
        return notice(title, "no image to show")
    figure = titled_figure(f"{title}: calibration error {error:.3f}", 4.6, 4.6)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="perfectly calibrated")
    axes.plot(confidence, accuracy, color=BLUE, linewidth=1, alpha=0.5)
    axes.scatter(confidence, accuracy, 20 + 400 * count / count.sum(), color=BLUE, zorder=3)
    for x, y, images in zip(confidence, accuracy, count, strict=True):
        below = y > 0.5
        place = (0, -14 if below else 14)
        axes.annotate(
            f"{images}", (x, y), place, textcoords="offset points",
            ha="center", va="top" if below else "bottom", fontsize=SMALL, bbox=BOX,
        )  # fmt: skip
    axes.legend(loc="upper left", fontsize=SMALL, frameon=False)
    axes.set(xlim=(-0.03, 1.05), ylim=(-0.03, 1.05), aspect="equal")
    axes.set_xlabel("confidence: probability of the predicted class", fontsize=TEXT)
    axes.set_ylabel("accuracy (numbers: images)", fontsize=TEXT)
    return figure
