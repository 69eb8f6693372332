"""From evidence to heat maps, and from heat maps to defective pixels and instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from anomaly.masks.boxes import boxes_of
from anomaly.masks.components import components
from anomaly.masks.heat import on_scale
from anomaly.masks.overlap import ious
from anomaly.types import Detections, Image, Predictions

THRESHOLDS = np.linspace(0.02, 0.98, 49)
MIN_AREA = 12  # pixels of the evaluation grid; a smaller component is noise


def heat_maps(evidence: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """(n, h, w) float32 heat in 0..1 from (n, h, w) float32 evidence and (n, c) probabilities.

    Heat is the evidence for a defect, scaled to at most 1 in each image, times the probability
    that the image is defective. Evidence below 0 speaks for a good part and gives no heat.
    """
    positive = np.maximum(evidence, 0)
    peaks = np.maximum(positive.max((1, 2), keepdims=True), 1e-12)
    defective = (1 - proba[:, 0]).astype(np.float32)
    return on_scale(positive / peaks * defective[:, None, None])


def answer(outputs: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(c,) float64 probabilities and (h, w) float32 heat of the one photo that a network judged.

    A network gives float32: divided by their sum, the probability of the first class is as exact
    near 1 as those of the others are near 0.
    """
    proba = np.asarray(outputs["proba"], np.float64)[0]
    return proba / proba.sum(), on_scale(np.clip(np.asarray(outputs["heat"])[0], 0, 1))


def choose_threshold(heat: np.ndarray, masks: np.ndarray) -> float:
    """The threshold with the best mean IoU over the defective images; 0.5 if there are none.

    `heat` is (n, h, w) in 0..1, `masks` (n, h, w) bool.
    """
    defective = masks.any((1, 2))
    if not defective.any():
        return 0.5
    heat, masks = heat[defective], masks[defective]
    means = [ious(heat >= threshold, masks).mean() for threshold in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(means))])


def instances(heat: np.ndarray, proba: np.ndarray, threshold: float) -> Detections:
    """The 8-connected components of (h, w) `heat` at or above the threshold.

    Each gets the most probable defect type of the image, by (c,) `proba`. Its score is that
    probability times the mean heat inside it.
    """
    label_map, areas = components(heat >= threshold)
    kept = 1 + np.flatnonzero(areas >= MIN_AREA)
    masks = label_map == kept[:, None, None]
    label = 1 + int(proba[1:].argmax())
    scores = [float(proba[label] * heat[mask].mean()) for mask in masks]
    return Detections(
        boxes=boxes_of(masks),
        masks=masks,
        scores=np.array(scores, np.float32),
        labels=np.full(len(kept), label, np.int64),
    )


def predictions(
    images: Sequence[Image],
    classes: tuple[str, ...],
    proba: np.ndarray,
    heat: np.ndarray,
    threshold: float,
) -> Predictions:
    """What (n, c) probabilities and (n, h, w) heat say: pixels and instances at the threshold."""
    ids = tuple(image.id for image in images)
    detections = tuple(instances(h, p, threshold) for h, p in zip(heat, proba, strict=True))
    return Predictions(ids, classes, proba, heat, heat >= threshold, detections)
