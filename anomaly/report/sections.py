"""What the page shows of each group: the values of its templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from anomaly.plots.bars import bars
from anomaly.report.artifacts import Artifacts
from anomaly.report.groups import Group
from anomaly.report.labels import differing, settings
from anomaly.report.pictures import Budget, figure_uri
from anomaly.report.runs import Row
from anomaly.report.table import Table, number, table
from anomaly.tracking.names import DESCRIPTION

CHARTED = ("accuracy", "defect_accuracy")
BARS = 40  # runs in a chart; with more, nobody could read it


class Picture(NamedTuple):
    """A picture of a run."""

    caption: str
    uri: str | None  # with the data; None if the run has none or it was left out
    left_out: bool


class RunSection(NamedTuple):
    """A run below the table of its group."""

    place: int
    id: str
    label: str
    accuracy: str
    pictures: list[Picture]
    facts: dict[str, str]


class Chart(NamedTuple):
    """Bars for the first runs of a group."""

    uri: str
    runs: int


class Section(NamedTuple):
    """A group and everything that is shown of it."""

    group: Group
    folded: bool
    table: Table
    chart: Chart | None
    runs: list[RunSection]


def sections(
    category: str,
    groups: Sequence[Group],
    artifacts: Mapping[str, Artifacts],
    metric: str,
    room: int,
) -> list[Section]:
    """A section for each group; their pictures take at most `room` characters together."""
    budget = Budget(room)
    only_folds = all(group.single_fold for group in groups)
    return [
        Section(
            group,
            group.single_fold and not only_folds,  # the pooled run of the folds tells more
            table(group, metric),
            _chart(category, group),
            _runs(group, artifacts, budget),
        )
        for group in groups
    ]


def _chart(category: str, group: Group) -> Chart | None:
    rows = group.rows[:BARS]
    series = {name: [row.share(f"test/{name}") for row in rows] for name in CHARTED}
    if len(rows) < 2 or not any(share for shares in series.values() for share in shares):
        return None
    names = [f"{place} {group.labels[row.id]}" for place, row in enumerate(rows, 1)]
    first = f" (first {BARS} runs)" if len(group.rows) > BARS else ""
    figure = bars(names, series, f"{category}: test images classified correctly{first}")
    return Chart(figure_uri(figure), len(rows))


def _runs(group: Group, artifacts: Mapping[str, Artifacts], budget: Budget) -> list[RunSection]:
    keys = differing(group.rows)
    return [
        RunSection(
            place,
            row.id,
            group.labels[row.id],
            number(row.metrics.get("test/accuracy")),
            _pictures(artifacts[row.id], budget),
            _facts(row, keys),
        )
        for place, row in enumerate(group.rows, 1)
    ]


def _pictures(artifacts: Artifacts, budget: Budget) -> list[Picture]:
    uris = {"Confusion matrix": artifacts.confusion, "Worst cases": artifacts.worst}
    return [_picture(caption, uri, budget) for caption, uri in uris.items()]


def _picture(caption: str, uri: str | None, budget: Budget) -> Picture:
    if uri is None or budget.spend(len(uri)):
        return Picture(caption, uri, left_out=False)
    return Picture(caption, None, left_out=True)


def _facts(row: Row, keys: Sequence[str]) -> dict[str, str]:
    """Where a run is, and the settings in which it differs from others of its group."""
    values = settings(row)
    facts = {
        "run": row.id,
        "started": f"{row.started:%Y-%m-%d %H:%M}",
        "folder": row.tags.get("folder", ""),
        "command": row.tags.get(DESCRIPTION, "").strip("`"),
        **{key: values[key] for key in keys if key in values},
    }
    return {name: text for name, text in facts.items() if text}
