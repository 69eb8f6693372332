"""The operating point of a sorting machine: chosen on validate, reported on test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from anomaly.metrics.calibration import apply_temperature, fit_temperature
from anomaly.types import Predictions

if TYPE_CHECKING:
    from anomaly.metrics.join import Joined

DECISIONS = ("sorting_escape_rate", "sorting_overkill_rate", "coverage", "kept_accuracy")


@dataclass(frozen=True)
class OperatingPoint:
    """How probabilities become decisions."""

    #: softens the learner's probabilities (1 leaves them)
    temperature: float
    #: a part this likely defective, 0..1, or more is sorted out
    sorting_threshold: float
    #: a class is sure from this probability on, 0..1; a part that is neither sorted out nor so surely
    #: good goes to a person
    reject_below: float


def choose(
    validate: Joined, *, calibrate: bool, max_escape_rate: float, reject_below: float
) -> OperatingPoint | None:
    """Fit everything on validate: its raw predictions and its truth; None without probabilities."""
    proba, labels = validate.predictions.proba, validate.truth.labels
    if proba is None:
        return None
    temperature = fit_temperature(proba, labels) if calibrate else 1.0
    defective = 1 - apply_temperature(proba, temperature)[:, 0]
    threshold = sorting_threshold(defective, labels > 0, max_escape_rate)
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


def defect_scores(predictions: Predictions) -> np.ndarray | None:
    """(n,) higher for what looks more defective: the score, or else 1 - P(good)."""
    if predictions.score is not None or predictions.proba is None:
        return predictions.score
    return 1 - predictions.proba[:, 0]


def calibrated(predictions: Predictions, point: OperatingPoint) -> Predictions:
    """The same predictions, their probabilities, where they have any, at the temperature."""
    if predictions.proba is None:
        return predictions
    return replace(predictions, proba=apply_temperature(predictions.proba, point.temperature))


def decisions(joined: Joined, point: OperatingPoint) -> dict[str, tuple[int, int]]:
    """{name: (hits, count)} of what calibrated predictions lead to; shares of nothing are absent.

    `sorting_escape_rate` and `sorting_overkill_rate`: at the threshold. `coverage`: images
    that are sure of their class; `kept_accuracy`: those of them named right.
    """
    proba, labels = joined.predictions.proba, joined.truth.labels
    if proba is None:
        return {}
    defective = labels > 0
    out = 1 - proba[:, 0] >= point.sorting_threshold
    kept = proba.max(1) >= point.reject_below
    right = proba.argmax(1) == labels
    table = (
        (defective & ~out, defective),
        (~defective & out, ~defective),
        (kept, np.ones_like(kept)),
        (kept & right, kept),
    )
    rows = zip(DECISIONS, table, strict=True)
    return {name: (int(h.sum()), int(of.sum())) for name, (h, of) in rows if of.any()}
