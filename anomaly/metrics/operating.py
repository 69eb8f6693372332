"""The operating point of a sorting machine: chosen on validate, reported on test."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from anomaly.metrics.calibration import apply_temperature, fit_temperature
from anomaly.metrics.join import joined
from anomaly.types import Predictions, Truth

DECISIONS = ("sorting_escape_rate", "sorting_overkill_rate", "coverage", "kept_accuracy")


@dataclass(frozen=True)
class OperatingPoint:
    """How probabilities become decisions.

    temperature: softens the learner's probabilities (1 leaves them).
    sorting_threshold: a part this likely defective, 0..1, or more is sorted out.
    reject_below: an image whose class is less probable, 0..1, goes to a person.
    """

    temperature: float
    sorting_threshold: float
    reject_below: float


def choose(
    predictions: Predictions,
    truth: Truth,
    *,
    calibrate: bool,
    max_escape_rate: float,
    reject_below: float,
) -> OperatingPoint:
    """Fit everything on validate: its raw predictions and its truth.

    Raises:
        ValueError: the two are not of the same images.
    """
    predictions, truth = joined(predictions, truth)
    temperature = fit_temperature(predictions.proba, truth.labels) if calibrate else 1.0
    defective = 1 - apply_temperature(predictions.proba, temperature)[:, 0]
    threshold = sorting_threshold(defective, truth.labels > 0, max_escape_rate)
    return OperatingPoint(temperature, threshold, reject_below)


def sorting_threshold(score: np.ndarray, defective: np.ndarray, max_escape_rate: float) -> float:
    """The highest threshold under which at most that share of the defective escapes; 0.5 for none.

    `score` (n,) is the probability of a defect, `defective` (n,) bool the truth,
    `max_escape_rate` a share from 0 to below 1. Of all
    thresholds that decide alike, the middle one: unseen parts fall to either side of it.
    """
    if not defective.any():
        return 0.5
    ranked = np.sort(score[defective])
    escapes = int(max_escape_rate * len(ranked) + 1e-9)
    lowest = ranked[min(escapes, len(ranked) - 1)]
    below = score[score < lowest]
    return float((lowest + below.max()) / 2 if len(below) else lowest / 2)


def calibrated(predictions: Predictions, point: OperatingPoint) -> Predictions:
    """The same predictions with probabilities at the temperature."""
    return replace(predictions, proba=apply_temperature(predictions.proba, point.temperature))


def decisions(
    predictions: Predictions, truth: Truth, point: OperatingPoint
) -> dict[str, tuple[int, int]]:
    """{name: (hits, count)} of what calibrated predictions lead to; shares of nothing are absent.

    `sorting_escape_rate` and `sorting_overkill_rate`: at the threshold. `coverage`: images that
    no person need see; `kept_accuracy`: those of them named right.
    """
    predictions, truth = joined(predictions, truth)
    defective = truth.labels > 0
    out = 1 - predictions.proba[:, 0] >= point.sorting_threshold
    kept = predictions.proba.max(1) >= point.reject_below
    right = predictions.labels == truth.labels
    table = (
        (defective & ~out, defective),
        (~defective & out, ~defective),
        (kept, np.ones_like(kept)),
        (kept & right, kept),
    )
    rows = zip(DECISIONS, table, strict=True)
    return {name: (int(h.sum()), int(of.sum())) for name, (h, of) in rows if of.any()}
