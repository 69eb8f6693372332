"""From probabilities to a verdict about one part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from anomaly.metrics.operating import OperatingPoint

Decision = Literal["good", "defect", "unknown_defect", "to_person"]
REJECTED: tuple[Decision, ...] = ("defect", "unknown_defect")  # parts that are sorted out


class Box(NamedTuple):
    """Where a defect is, in pixels of the photo; x2 and y2 are exclusive."""

    x1: float
    y1: float
    x2: float
    y2: float
    defect: str
    score: float  # 0..1


@dataclass(frozen=True)
class Verdict:
    """What a model says of one photo."""

    id: str
    decision: Decision
    defect: str | None  #: the type, of a decision that names one
    probability: (
        float  #: of the class that the decision names, 0..1; the highest if a person decides
    )
    score: float  #: how unlike good parts, higher is worse
    probabilities: Mapping[str, float]  #: of every class, sum 1
    boxes: tuple[Box, ...] = ()
    #: (grid, grid) bool over the whole photo, the pixels called defective
    mask: np.ndarray | None = field(default=None, compare=False)
    #: (grid, grid) float32 in 0..1 over the whole photo
    heat: np.ndarray | None = field(default=None, compare=False)
    milliseconds: float = field(default=0.0, compare=False)  #: that it took to judge the photo


def decide(proba: np.ndarray, point: OperatingPoint) -> tuple[Decision, int]:
    """The decision on a part of (c,) calibrated probabilities, and the class that it names.

    A part that is as likely defective as the sorting threshold is sorted out, by the name of its
    most probable defect. One below it that is not surely good goes to a person.
    """
    score = 1 - proba[0]
    if score >= point.sorting_threshold:
        return "defect", 1 + int(proba[1:].argmax())
    return ("to_person", int(proba.argmax())) if is_doubtful(score, point) else ("good", 0)


def is_doubtful(scores: np.ndarray, point: OperatingPoint) -> np.ndarray:
    """(n,) bool of (n,) probabilities of a defect: parts that are not sorted out nor surely good."""
    return (scores < point.sorting_threshold) & (1 - scores < point.reject_below)
