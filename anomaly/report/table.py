"""The table of a group: a row for each run, figures with their counts and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from anomaly.metrics.catalogue import TABLE
from anomaly.metrics.mcnemar import Comparison
from anomaly.report.groups import Group
from anomaly.report.runs import Row

DASH = "–"
PARTS = {"val": "validation", "test": "test"}
TINY = 0.001  # a smaller p is shown as <0.001


class Heading(NamedTuple):
    """The head of a column."""

    name: str
    note: str  # below it
    meaning: str


class Line(NamedTuple):
    """The row of a run."""

    place: int
    id: str
    label: str
    ensemble: str | None  # its kind
    cells: list[list[str]]  # each a figure, then the small lines below it


class Table(NamedTuple):
    """The values of table.html."""

    title: str
    headings: list[Heading]
    lines: list[Line]


def table(group: Group, metric: str) -> Table:
    """The rows of a group in its order; first what sorts and compares, then all other figures."""
    front, rest = columns(group.rows, metric)
    headings = [*map(heading, front), *_against(group), *map(heading, rest)]
    lines = []
    for place, row in enumerate(group.rows, 1):
        first, others = ([_figure(row, name) for name in names] for names in (front, rest))
        cells = [*first, *_comparison(group, row), *others]
        lines.append(Line(place, row.id, group.labels[row.id], row.tags.get("ensemble"), cells))
    return Table(group.title, headings, lines)


def heading(metric: str) -> Heading:
    """The head of a figure such as val/accuracy."""
    part, _, figure = metric.partition("/")
    return Heading(figure.replace("_", " "), PARTS.get(part, part), TABLE.get(figure, ""))


def columns(rows: Sequence[Row], metric: str) -> tuple[list[str], list[str]]:
    """The figures that any row has: those that sort and compare, then all others on test."""
    front = dict.fromkeys((metric, "val/accuracy", "test/accuracy"))
    rest = [f"test/{name}" for name in TABLE if f"test/{name}" not in front]
    present = {name for row in rows for name in row.metrics}
    return [n for n in front if n in present], [n for n in rest if n in present]


def number(value: float | None) -> str:
    """Three digits, or a dash where there is no value."""
    return DASH if value is None else f"{value:.3f}"


def chance(p: float) -> str:
    """A probability in three digits."""
    return f"<{TINY}" if p < TINY else f"{p:.3f}"


def _against(group: Group) -> list[Heading]:
    """The head of the column p, if there are comparisons."""
    place = group.rows.index(group.reference) + 1
    return [Heading("p", f"against run {place}", "")] if group.comparisons else []


def _figure(row: Row, name: str) -> list[str]:
    share, spread = row.share(name), row.spread(name)
    counts = [f"{share.hits} / {share.total}"] if share else []
    ends = [str(spread)] if spread else []
    return [number(row.metrics.get(name)), *counts, *ends]


def _comparison(group: Group, row: Row) -> list[list[str]]:
    """The cell of a run in the column p, if there is one."""
    if not group.comparisons:
        return []
    if row == group.reference:
        return [["reference"]]
    comparison = group.comparisons.get(row.id)
    return [[chance(comparison.p), _pair(comparison)] if comparison else [DASH]]


def _pair(comparison: Comparison) -> str:
    """How many images only the run, and only the reference, classified correctly."""
    return f"{comparison.only_first} : {comparison.only_second}"
