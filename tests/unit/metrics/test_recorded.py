"""What is recorded of scores gives the scores back."""

from __future__ import annotations

import numpy as np

from anomaly.metrics.intervals import wilson
from anomaly.metrics.recorded import figures, scores_of
from anomaly.types import Scores, Spread

SCORES = Scores(
    {"accuracy": 7 / 9, "auroc": 0.9, "iou": 0.5, "recall.dent": 1.0, "escapes": 2.0},
    {"accuracy": wilson(7, 9), "recall.dent": wilson(3, 3)},
    {"iou": Spread(0.4, 0.6)},
    np.eye(2, dtype=np.int64),
)


def test_values_intervals_and_spreads_come_back():
    again = scores_of(figures({"val": SCORES, "test": SCORES}), "test")
    assert again.values == SCORES.values
    assert again.intervals == SCORES.intervals
    assert again.spreads == SCORES.spreads


def test_another_part_is_another_part():
    assert scores_of(figures({"val": SCORES}), "test").values == {}
