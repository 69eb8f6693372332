"""The table of a group: one row a run, figures with their evidence."""

from __future__ import annotations

from collections.abc import Sequence

from anomaly.metrics.mcnemar import Comparison
from anomaly.report.groups import Group
from anomaly.report.markup import Html, element, together
from anomaly.report.runs import Row
from anomaly.run.summary import ROWS

DASH = "–"
PARTS = {"val": "validation", "test": "test"}
TINY = 0.001  # a smaller p is not written out


def table(group: Group, metric: str) -> Html:
    """The rows of a group in their order, in a box of its own that scrolls sideways."""
    front, rest = columns(group.rows, metric)
    head = [*map(_heading, front), *_against(group), *map(_heading, rest)]
    body = []
    for place, row in enumerate(group.rows, 1):
        first, others = ([_figure(row, name) for name in names] for names in (front, rest))
        body.append(element("tr", _name(place, row, group), *first, *_versus(row, group), *others))
    corner = element("th", "run", scope="col")
    rows = [element("thead", element("tr", corner, *head)), element("tbody", *body)]
    attributes = {"class_": "scroll", "tabindex": "0", "role": "region"}
    return element("div", element("table", *rows), aria_label=group.title, **attributes)


def columns(rows: Sequence[Row], metric: str) -> tuple[list[str], list[str]]:
    """The figures that some row has: those that rank and compare, then all others of the test."""
    front = dict.fromkeys((metric, "val/accuracy", "test/accuracy"))
    rest = [f"test/{name}" for name in ROWS if f"test/{name}" not in front]
    present = {name for row in rows for name in row.metrics}
    return [n for n in front if n in present], [n for n in rest if n in present]


def number(value: float | None) -> str:
    """Three digits, or a dash for what is not there: nothing is not zero."""
    return DASH if value is None else f"{value:.3f}"


def chance(p: float) -> str:
    """A probability, as short as it may be."""
    return f"<{TINY}" if p < TINY else f"{p:.3f}"


def pair(found: Comparison) -> str:
    """The images that only the run, and only its reference, named right."""
    return f"{found.only_first} : {found.only_second}"


def _heading(name: str) -> Html:
    part, _, figure = name.partition("/")
    small = element("small", PARTS.get(part, part))
    return element("th", figure.replace("_", " "), small, scope="col", title=ROWS.get(figure, ""))


def _against(group: Group) -> list[Html]:
    """The heading of the comparisons, where there are any."""
    place = group.rows.index(group.reference) + 1
    heading = element("th", "p", element("small", f"against run {place}"), scope="col")
    return [heading] if group.comparisons else []


def _name(place: int, row: Row, group: Group) -> Html:
    kind = row.tags.get("ensemble")
    link = element("a", group.labels[row.id], href=f"#run-{row.id}")
    small = element("small", f"ensemble: {kind}") if kind else Html("")
    return element("th", element("b", str(place)), " ", link, small, scope="row")


def _figure(row: Row, name: str) -> Html:
    share, spread = row.share(name), row.spread(name)
    evidence = [f"{share.hits} / {share.total}"] if share else []
    ends = [str(spread)] if spread else []
    return _cell([number(row.metrics.get(name)), *evidence, *ends])


def _versus(row: Row, group: Group) -> list[Html]:
    if not group.comparisons:
        return []
    if row == group.reference:
        return [_cell(["reference"])]
    found = group.comparisons.get(row.id)
    return [_cell([chance(found.p), pair(found)] if found else [DASH])]


def _cell(lines: Sequence[str]) -> Html:
    first, *others = lines
    return element("td", together(first, *(element("small", line) for line in others)))
