"""Groups runs that were tested on the same images: only these are ranked and compared."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from anomaly.metrics.catalogue import lower_is_better
from anomaly.metrics.mcnemar import Comparison, mcnemar
from anomaly.report.labels import labels
from anomaly.report.runs import Row

Outcomes = Mapping[str, Mapping[str, bool]]  # {run id: {test image: classified correctly}}
SHORT = 8  # digits of a digest


@dataclass(frozen=True)
class Group:
    """Runs that were tested on the same images, the best first."""

    title: str
    rows: tuple[Row, ...]
    labels: Mapping[str, str]  # by run id, here and below
    reference: Row  # the run that the others are compared with
    comparisons: Mapping[str, Comparison]  # not of the reference, nor of unknown predictions

    @property
    def single_fold(self) -> bool:
        return self.rows[0].single_fold


def arrange(
    rows: Sequence[Row], outcomes: Outcomes, metric: str, reference: Row | None
) -> list[Group]:
    """The groups of a category: pooled runs, then whole splits, then single folds.

    Args:
        metric: what each group is sorted by; rows without it come last.
        reference: of the group that it is in; that of another is its first row.
    """
    together: dict[Hashable, list[Row]] = {}
    for row in rows:
        together.setdefault(_test_set(row, outcomes), []).append(row)
    groups = [_group(members, outcomes, metric, reference) for members in together.values()]
    return sorted(groups, key=_order)


def _test_set(row: Row, outcomes: Outcomes) -> Hashable:
    """What two runs must share to be comparable."""
    if not row.pooled:
        return row.tags.get("split") or row.id
    # Its tag `split` is that of one fold; only its predictions list what all folds tested.
    return row.params.get("data.folds"), frozenset(outcomes[row.id]) or row.id


def _group(rows: Sequence[Row], outcomes: Outcomes, metric: str, reference: Row | None) -> Group:
    ranked = tuple(sorted(rows, key=lambda row: _rank(row, metric)))
    if reference not in ranked:
        reference = next((row for row in ranked if outcomes[row.id]), ranked[0])
    expected = outcomes[reference.id]
    comparisons = {
        row.id: mcnemar(outcomes[row.id], expected)
        for row in ranked
        if row != reference and expected and outcomes[row.id].keys() == expected.keys()
    }
    return Group(_title(ranked, outcomes), ranked, labels(ranked), reference, comparisons)


def _rank(row: Row, metric: str) -> tuple:
    """Equal runs are ordered by their accuracy on validation defects, then by name."""
    value, defects = row.metrics.get(metric), row.metrics.get("val/defect_accuracy", 0.0)
    if value is None:
        return (1, 0.0, -defects, row.name)
    return (0, value if lower_is_better(metric) else -value, -defects, row.name)


def _title(rows: Sequence[Row], outcomes: Outcomes) -> str:
    row = rows[0]
    count = next((len(outcomes[r.id]) for r in rows if outcomes[r.id]), None)
    count = count or int(row.metrics.get("test/accuracy_count", 0))
    images = f"{count} test images" if count else "an unknown number of test images"
    folds, split = row.params.get("data.folds", "?"), row.tags.get("split", "")[:SHORT]
    if row.pooled:
        return f"{folds} folds pooled: {images}, each tested by a model not trained on it"
    if row.single_fold:
        return f"Fold {row.tags['fold']} of {folds}, split {split}: {images}"
    return f"Split {split}: {images}"


def _order(group: Group) -> tuple:
    """Of groups on the page: by kind, then folds by number, then the larger and the newer first."""
    row = group.rows[0]
    newest = max(r.started.timestamp() for r in group.rows)
    return (row.single_fold, not row.pooled, row.tags.get("fold", ""), -len(group.rows), -newest)
