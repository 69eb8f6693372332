"""The one score that every run uses, so that rows of the results table compare."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anomaly.metrics import bootstrap
from anomaly.metrics.average_precision import average_precisions
from anomaly.metrics.calibration import calibration
from anomaly.metrics.classification import averages, confusion_matrix, separation, shares
from anomaly.metrics.intervals import wilson
from anomaly.metrics.join import Joined
from anomaly.metrics.operating import defect_scores
from anomaly.metrics.overlap import overlaps
from anomaly.types import Scores, Spread

Counts = Mapping[str, tuple[int, int]]  # {name of a share: (hits, count)}
Values = dict[str, float]


def score(joined: Joined, decided: Counts | None = None) -> Scores:
    """Every number of one split; rates and overlaps are in 0..1, `escapes`, `overkill` are counts.

    `catalogue` says what each means. One that has no data (no defective image, no good image, a
    class absent from the truth, a precision of a class never predicted, a field that the
    predictions lack) is absent. Shares have intervals; means of pixels and instances have spreads.
    `decided` are the shares of `operating.decisions`, which become shares like the others.
    """
    confusion = _confusion(joined)
    counted = {} if confusion is None else shares(confusion, joined.truth.classes)
    counted |= decided or {}
    intervals = {name: wilson(hits, count) for name, (hits, count) in counted.items()}
    local, spreads = _local(joined)
    values = {
        **{name: share.hits / share.total for name, share in intervals.items()},
        **_of_images(joined, confusion),
        **local,
    }
    return Scores(values, intervals, spreads, confusion)


def _confusion(joined: Joined) -> np.ndarray | None:
    predictions, truth = joined.predictions, joined.truth
    if predictions.proba is None:
        return None
    return confusion_matrix(truth.labels, predictions.labels, len(truth.classes))


def _of_images(joined: Joined, confusion: np.ndarray | None) -> Values:
    labels, proba = joined.truth.labels, joined.predictions.proba
    ranked = defect_scores(joined.predictions)
    return {
        **({} if confusion is None else averages(confusion)),
        **({} if ranked is None else separation(labels, ranked)),
        **({} if proba is None else calibration(labels, proba)),
    }


def _local(joined: Joined) -> tuple[Values, dict[str, Spread]]:
    """What says where the defects are, of pixels and of instances."""
    truth, segmentation, judged = joined.truth, joined.predictions.segmentation, joined.judged
    overlap = {} if segmentation is None else overlaps(truth, segmentation)
    means = {name: float(each[np.isfinite(each)].mean()) for name, each in overlap.items()}
    drawn = bootstrap.draws(truth)
    spreads = bootstrap.of_means(overlap, drawn) | bootstrap.of_average_precisions(judged, drawn)
    return means | average_precisions(judged), spreads
