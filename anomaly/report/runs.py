"""The runs of this project in a tracking store, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING

from anomaly.types import Interval, Spread

if TYPE_CHECKING:
    from mlflow.entities import Run

OURS = {"category", "role"}  # tags that other programs' runs on the same server lack
ALL_FOLDS = "all"  # the tag `fold` of a run that pools a cross-validation
REFITTED = "refit"  # a role
CURVES = "epoch/"  # training curves, which are no result


@dataclass(frozen=True)
class Row:
    """A finished run, as it was recorded."""

    id: str
    name: str
    started: datetime
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]  # finite ones, without training curves

    @property
    def category(self) -> str:
        return self.tags["category"]

    @property
    def pooled(self) -> bool:
        """Whether all folds of a cross-validation are scored together."""
        return self.tags.get("fold") == ALL_FOLDS

    @property
    def single_fold(self) -> bool:
        return "fold" in self.tags and not self.pooled

    def share(self, metric: str) -> Interval | None:
        """A figure that is a share of images, with counts and interval; None for any other figure."""
        total, spread = self.metrics.get(f"{metric}_count"), self.spread(metric)
        if total is None or spread is None:
            return None
        return Interval(round(self.metrics[metric] * total), int(total), *spread)

    def spread(self, metric: str) -> Spread | None:
        """The 95 % interval of any figure; None where it has none."""
        low, high = (self.metrics.get(f"{metric}_{end}") for end in ("low", "high"))
        if low is None or high is None or metric not in self.metrics:
            return None
        return Spread(low, high)


def rows(runs: Iterable[Run]) -> list[Row]:
    """The runs of this project, in the order given.

    A refitted model is no row: its figures are those of the run that it was made of, which is one.
    """
    ours = (run for run in runs if run.data.tags.keys() >= OURS)
    return [_row(run) for run in ours if run.data.tags["role"] != REFITTED]


def _row(run: Run) -> Row:
    started = datetime.fromtimestamp(run.info.start_time / 1000).astimezone()
    name = run.info.run_name or run.info.run_id
    metrics = {
        key: value
        for key, value in run.data.metrics.items()
        if isfinite(value) and not key.startswith(CURVES)
    }
    return Row(run.info.run_id, name, started, run.data.tags, run.data.params, metrics)
