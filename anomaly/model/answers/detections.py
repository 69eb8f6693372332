"""From the findings of a detector to predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from anomaly.masks.heat import on_scale
from anomaly.model.answers import decide
from anomaly.model.answers.paste import Findings
from anomaly.types import Image, Predictions


def predictions(
    images: Sequence[Image],
    classes: tuple[str, ...],
    findings: Sequence[Findings],
    thresholds: Mapping[str, float],
    grid: int,
) -> Predictions:
    """Detections; the class by the best of them, and the pixels of those above the threshold.

    `thresholds` has two scores in 0..1: `name`, of a part that is called defective, and `pixel`, of
    a detection whose pixels are.
    """
    detections = tuple(each.detections for each in findings)
    scores = decide.best_scores(detections, len(classes))
    heat = [on_scale(each.heat) for each in findings]
    pixels = [decide.segmentation(each, thresholds["pixel"]) for each in detections]
    empty = np.zeros((0, grid, grid), np.float32)
    return Predictions(
        tuple(image.id for image in images),
        classes,
        decide.probabilities(scores, thresholds["name"]),
        np.stack(heat) if heat else empty,
        np.stack(pixels) if pixels else empty.astype(bool),
        detections,
    )
