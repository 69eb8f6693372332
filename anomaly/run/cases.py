"""The best and the worst cases of a part, as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anomaly.cache.store import Cache
from anomaly.data.images import load_images
from anomaly.masks.overlap import ious
from anomaly.metrics.join import Joined
from anomaly.plots.overlays import overlays
from anomaly.types import Split

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 4  # best and worst cases in the overlays


def cases(name: str, split: Split, joined: Joined, cache: Cache) -> dict[str, Figure]:
    """The best and the worst of the truly defective images, by class first, then by overlap.

    Empty where the predictions lack classes, heat, pixels or instances.
    """
    predictions, truth = joined.predictions, joined.truth
    proba, heat = predictions.proba, predictions.heat
    segmentation, detections = predictions.segmentation, predictions.detections
    if proba is None or heat is None or segmentation is None or detections is None:
        return {}
    overlap, photos = ious(segmentation, truth.masks), {image.id: image for image in split.images}
    figures = {}
    for kind, chosen in _ranked(predictions.labels, truth.labels, overlap).items():
        images = load_images([photos[truth.ids[i]] for i in chosen], split.grid, cache)
        seen = [detections[i] for i in chosen]
        captions = [_caption(joined, i, proba[i].max(), overlap[i]) for i in chosen]
        figures[kind] = overlays(
            *(images, heat[chosen], truth.masks[chosen], seen),
            *(truth.classes, captions, f"{name}: {kind} cases"),
        )
    return figures


def _ranked(called: np.ndarray, true: np.ndarray, overlap: np.ndarray) -> dict[str, list]:
    """The places of the cases; good parts called defective are the worst."""
    right = called == true
    defective = sorted(np.flatnonzero(true > 0), key=lambda i: (right[i], overlap[i]))
    overkill = [i for i in np.flatnonzero(~right) if true[i] == 0]
    return {"worst": (overkill + defective)[:SHOWN], "best": defective[::-1][:SHOWN]}


def _caption(joined: Joined, place: int, sure: float, overlap: float) -> str:
    predictions, truth = joined.predictions, joined.truth
    true, predicted = (truth.classes[p.labels[place]] for p in (truth, predictions))
    return f"{truth.ids[place]}: {true}, predicted {predicted} ({sure:.2f}), IoU {overlap:.2f}"
