"""Like with like: runs are ranked, and compared, only where the same images were tested."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from anomaly.metrics.direction import lower_is_better
from anomaly.metrics.mcnemar import Comparison, mcnemar
from anomaly.report.labels import labels
from anomaly.report.runs import Row

Outcomes = Mapping[str, Mapping[str, bool]]  # {run id: {test image: named right}}
SHORT = 8  # digits of a digest


@dataclass(frozen=True)
class Group:
    """Runs that were tested on the same images, the best first."""

    title: str
    rows: tuple[Row, ...]
    labels: Mapping[str, str]  # by run id, here and below
    reference: Row  # whom the others are compared with
    comparisons: Mapping[str, Comparison]  # not of the reference, nor of unknown predictions

    @property
    def single_fold(self) -> bool:
        return self.rows[0].single_fold


def arrange(
    rows: Sequence[Row], outcomes: Outcomes, metric: str, against: Row | None
) -> list[Group]:
    """The groups of a category: pooled runs, then whole splits, then single folds.

    Args:
        metric: what orders each group; rows without it come last.
        against: the reference of its own group; elsewhere it is the first row.
    """
    apart: dict[Hashable, list[Row]] = {}
    for row in rows:
        apart.setdefault(_tested(row, outcomes), []).append(row)
    groups = [_group(own, outcomes, metric, against) for own in apart.values()]
    return sorted(groups, key=_place)


def _tested(row: Row, outcomes: Outcomes) -> Hashable:
    """What two runs must share to be comparable."""
    if not row.pooled:
        return row.tags.get("split") or row.id
    # Its tag `split` is that of one fold; what all folds tested, only its predictions know.
    return row.params.get("data.folds"), frozenset(outcomes[row.id]) or row.id


def _group(rows: Sequence[Row], outcomes: Outcomes, metric: str, against: Row | None) -> Group:
    ranked = tuple(sorted(rows, key=lambda row: _rank(row, metric)))
    reference = against if against in ranked else _first_known(ranked, outcomes)
    mine = outcomes[reference.id]
    comparisons = {
        row.id: mcnemar(outcomes[row.id], mine)
        for row in ranked
        if row != reference and mine and outcomes[row.id].keys() == mine.keys()
    }
    return Group(_title(ranked, outcomes), ranked, labels(ranked), reference, comparisons)


def _rank(row: Row, metric: str) -> tuple:
    """Of equal ones that which names defects better on validate, then by name."""
    value, defects = row.metrics.get(metric), row.metrics.get("val/defect_accuracy", 0.0)
    if value is None:
        return (1, 0.0, -defects, row.name)
    return (0, value if lower_is_better(metric) else -value, -defects, row.name)


def _first_known(ranked: Sequence[Row], outcomes: Outcomes) -> Row:
    return next((row for row in ranked if outcomes[row.id]), ranked[0])


def _title(rows: Sequence[Row], outcomes: Outcomes) -> str:
    row = rows[0]
    count = next((len(outcomes[r.id]) for r in rows if outcomes[r.id]), None)
    count = count or int(row.metrics.get("test/accuracy_count", 0))
    images = f"{count} test images" if count else "an unknown number of test images"
    folds, split = row.params.get("data.folds", "?"), row.tags.get("split", "")[:SHORT]
    if row.pooled:
        return f"{folds} folds pooled: {images}, each tested once by a model that never saw it"
    if row.single_fold:
        return f"Fold {row.tags['fold']} of {folds}, split {split}: {images}"
    return f"Split {split}: {images}"


def _place(group: Group) -> tuple:
    """Where a group stands on the page: the larger of a kind first, folds by number."""
    row = group.rows[0]
    newest = max(r.started.timestamp() for r in group.rows)
    return (row.single_fold, not row.pooled, row.tags.get("fold", ""), -len(group.rows), -newest)
