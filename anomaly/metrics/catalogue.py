"""Every figure that a run may have: what it means, which way is better, and what it is made of.

Whoever lists, explains or ranks figures reads it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anomaly.types import GOOD, tidy

COUNT, LOW, HIGH = EVIDENCE = ("_count", "_low", "_high")  # endings of what stands behind a figure


@dataclass(frozen=True)
class Figure:
    """A number about one part of the data."""

    meaning: str
    needs: tuple[str, ...]  # fields of `Predictions`, of which one is enough; else it is absent
    lower_is_better: bool = False
    in_table: bool = True  # of the results; the others are for programs
    certain: bool = True  # whether every data set gives it, so that a sweep can choose by it


# The fields of `Predictions` that hold what a learner tells.
TOLD = {
    "types": ("proba",),
    "score": ("score",),
    "heat": ("heat", "segmentation"),
    "instances": ("detections",),
}
_BY_CLASS, _BY_SCORE = ("proba",), ("score", "proba")
_OF_PIXELS, _OF_INSTANCES = ("segmentation",), ("detections",)

FIGURES = {
    "accuracy": Figure("images named right", _BY_CLASS),
    "defect_accuracy": Figure("defective images named right", _BY_CLASS),
    "balanced_accuracy": Figure("mean recall of the classes", _BY_CLASS),
    "macro_f1": Figure("mean F1 of the classes", _BY_CLASS),
    "auroc": Figure("good against defective", _BY_SCORE),
    "escape_rate": Figure("defective called good", _BY_CLASS, lower_is_better=True),
    "overkill_rate": Figure("good called defective", _BY_CLASS, lower_is_better=True),
    "escapes": Figure(
        "defective called good, how many", _BY_CLASS, lower_is_better=True, in_table=False
    ),
    "overkill": Figure(
        "good called defective, how many", _BY_CLASS, lower_is_better=True, in_table=False
    ),
    "sorting_escape_rate": Figure(
        "defective let through at the sorting threshold", _BY_CLASS, lower_is_better=True
    ),
    "sorting_overkill_rate": Figure(
        "good sorted out at the sorting threshold", _BY_CLASS, lower_is_better=True
    ),
    "coverage": Figure("images sure of their class", _BY_CLASS),
    "kept_accuracy": Figure("of those, named right", _BY_CLASS, certain=False),
    "ece": Figure("how far confidence is from accuracy", _BY_CLASS, lower_is_better=True),
    "iou": Figure("defect pixels, mean of defective images", _OF_PIXELS),
    "map": Figure("mask AP at IoU 0.50:0.95", _OF_INSTANCES),
    "map50": Figure("mask AP at IoU 0.50", _OF_INSTANCES),
    "box_map": Figure("box AP at IoU 0.50:0.95", _OF_INSTANCES),
    "box_map50": Figure("box AP at IoU 0.50", _OF_INSTANCES),
}

OF_A_CLASS = {  # as recall.scratch
    "recall": Figure("images of the class named right", _BY_CLASS, in_table=False),
    "precision": Figure(
        "images called the class that are of it", _BY_CLASS, in_table=False, certain=False
    ),
    "ap": Figure("mask AP of the class at IoU 0.50:0.95", _OF_INSTANCES, in_table=False),
}

TABLE = {name: figure.meaning for name, figure in FIGURES.items() if figure.in_table}


def figure(metric: str) -> Figure | None:
    """The figure of a metric such as `val/ece`, or of a name such as `recall.scratch`."""
    name = metric.split("/")[-1]
    return FIGURES.get(name) or OF_A_CLASS.get(name.partition(".")[0])


def lower_is_better(metric: str) -> bool:
    """Whether a metric, such as val/ece, is better when it is low."""
    known = figure(metric)
    return known is not None and known.lower_is_better


def told_by(metric: str, tells: Iterable[str]) -> bool:
    """Whether learners that tell these words (types, score, heat, instances) have this figure."""
    known, fields = figure(metric), {field for word in tells for field in TOLD[word]}
    return known is None or not fields.isdisjoint(known.needs)


def objectives(classes: Sequence[str]) -> list[str]:
    """The figures of a data set of these classes that a sweep can choose by."""
    whole = [name for name in TABLE if FIGURES[name].certain]
    return whole + [name for name, figure in of_classes(classes).items() if figure.certain]


def of_classes(classes: Sequence[str]) -> dict[str, Figure]:
    """The figures of each class by their names; an instance is a defect, and never good."""
    return {
        f"{kind}.{name}": figure
        for kind, figure in OF_A_CLASS.items()
        for name in classes
        if name != GOOD or figure.needs != _OF_INSTANCES
    }


def metric(part: str, name: str, ending: str = "") -> str:
    """What tracking calls a figure of a part (val or test), or the evidence behind it."""
    return tidy(f"{part}/{name}{ending}")
