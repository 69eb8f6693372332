"""The best and the worst cases of a part, as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anomaly.cache.store import Cache
from anomaly.data.images import load_images
from anomaly.plots.overlays import overlays
from anomaly.types import Predictions, Split, Truth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 4  # best and worst cases in the overlays


def cases(
    name: str, split: Split, predictions: Predictions, truth: Truth, cache: Cache
) -> dict[str, Figure]:
    """The best and the worst of the truly defective images, by class first, then by overlap."""
    defective = np.flatnonzero(truth.labels > 0)
    right = predictions.labels == truth.labels
    iou = _ious(predictions.segmentation, truth.masks)
    order = sorted(defective, key=lambda i: (right[i], iou[i]))
    wrong_good = [i for i in np.flatnonzero(~right) if truth.labels[i] == 0]
    worst, best = (wrong_good + order)[:SHOWN], order[::-1][:SHOWN]
    return {
        "worst": _overlays(f"{name}: worst cases", worst, split, predictions, truth, iou, cache),
        "best": _overlays(f"{name}: best cases", best, split, predictions, truth, iou, cache),
    }


def _overlays(title, chosen, split, predictions, truth, iou, cache) -> Figure:
    images = load_images([split.images[i] for i in chosen], split.grid, cache)
    captions = [
        f"{split.samples[i].id}: {truth.classes[truth.labels[i]]}, called"
        f" {truth.classes[predictions.labels[i]]} ({predictions.proba[i].max():.2f}),"
        f" IoU {iou[i]:.2f}"
        for i in chosen
    ]
    heat, found = predictions.heat[chosen], [predictions.detections[i] for i in chosen]
    return overlays(images, heat, truth.masks[chosen], found, truth.classes, captions, title)


def _ious(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    both = (predicted & true).sum((1, 2), dtype=np.int64)
    either = (predicted | true).sum((1, 2), dtype=np.int64)
    return both / np.maximum(either, 1)
