"""The one score that every run uses, so that rows of the results table compare."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anomaly.metrics import bootstrap
from anomaly.metrics.average_precision import average_precisions, judge
from anomaly.metrics.calibration import calibration
from anomaly.metrics.classification import averages, confusion_matrix, separation, shares
from anomaly.metrics.intervals import wilson
from anomaly.metrics.join import joined
from anomaly.metrics.overlap import overlaps
from anomaly.types import Predictions, Scores, Truth

Counts = Mapping[str, tuple[int, int]]  # {name of a share: (hits, count)}


def score(predictions: Predictions, truth: Truth, decided: Counts | None = None) -> Scores:
    """Every number of one split; rates and overlaps are in 0..1, `escapes`, `overkill` are counts.

    A number that has no data (no defective image, no good image, a class absent from the
    truth, a precision of a class never predicted) is absent. Both tables may be in any order.
    `decided` are the shares of `operating.decisions`, which become shares like the others.

    - shares, with intervals: `accuracy`, `defect_accuracy` (right type among the defective),
      `escape_rate`, `overkill_rate`, `precision.<class>`, `recall.<class>`
    - of images: `balanced_accuracy`, `macro_f1`, `auroc`, `ece`, `escapes`, `overkill`
    - of pixels, with spreads: `iou`
    - of instances, with spreads: `map`, `map50`, `box_map`, `box_map50`, `ap.<class>`

    Raises:
        ValueError: the two are not of the same images, the same classes or the same grid.
    """
    predictions, truth = joined(predictions, truth)
    confusion = confusion_matrix(truth.labels, predictions.labels, len(truth.classes))
    counted = shares(confusion, truth.classes) | dict(decided or {})
    intervals = {name: wilson(hits, count) for name, (hits, count) in counted.items()}
    overlap = overlaps(truth, predictions.segmentation)
    judged, drawn = judge(truth, predictions.detections), bootstrap.draws(truth)
    values = {
        **{name: share.hits / share.total for name, share in intervals.items()},
        **averages(confusion),
        **separation(truth.labels, predictions.proba),
        **calibration(truth.labels, predictions.proba),
        **{name: float(each[np.isfinite(each)].mean()) for name, each in overlap.items()},
        **average_precisions(judged),
    }
    spreads = {
        **bootstrap.of_means(overlap, drawn),
        **bootstrap.of_average_precisions(judged, drawn),
    }
    return Scores(values, intervals, spreads, confusion)
