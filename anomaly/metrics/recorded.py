"""Scores as they are recorded, one number under each name, and back."""

from __future__ import annotations

from collections.abc import Mapping

from anomaly.metrics.catalogue import COUNT, EVIDENCE, HIGH, LOW, metric
from anomaly.types import Interval, Scores, Spread


def figures(scores: Mapping[str, Scores]) -> dict[str, float]:
    """{part/metric: value}, the ends of its interval as _low and _high, a share's _count."""
    out: dict[str, float] = {}
    for part, scored in scores.items():
        for name, value in scored.values.items():
            out[metric(part, name)] = float(value)
        for name, share in scored.intervals.items():
            evidence = {COUNT: share.total, LOW: share.low, HIGH: share.high}
            out |= {metric(part, name, ending): float(v) for ending, v in evidence.items()}
        for name, (low, high) in scored.spreads.items():
            out |= {metric(part, name, LOW): low, metric(part, name, HIGH): high}
    return out


def scores_of(recorded: Mapping[str, float], part: str) -> Scores:
    """The scores of a part, from what `figures` made of them; a confusion matrix is not kept."""
    names = [key.removeprefix(f"{part}/") for key in recorded if key.startswith(f"{part}/")]
    values = {name: recorded[f"{part}/{name}"] for name in names if not name.endswith(EVIDENCE)}
    intervals, spreads = {}, {}
    for name, value in values.items():
        count, low, high = (recorded.get(f"{part}/{name}{ending}") for ending in EVIDENCE)
        if low is None or high is None:
            continue
        if count is None:
            spreads[name] = Spread(low, high)
        else:
            intervals[name] = Interval(round(value * count), int(count), low, high)
    return Scores(values, intervals, spreads, None)
