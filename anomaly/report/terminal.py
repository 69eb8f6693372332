"""A summary of the page for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from anomaly.report.groups import Group
from anomaly.report.runs import Row
from anomaly.report.table import DASH, chance, number

SHOWN = 10  # runs of a group; the page shows all
COLUMNS: dict[str, Literal["left", "right"]] = {
    "run": "left",
    "validation": "right",
    "test": "right",
    "95 % interval": "right",
    "p": "right",
}


def print_groups(categories: Mapping[str, Sequence[Group]]) -> None:
    """The best runs of each group by accuracy; single folds only if there is no other group."""
    console = Console(soft_wrap=True)
    for category, groups in categories.items():
        whole = [group for group in groups if not group.single_fold]
        for group in whole or groups:
            console.print(_table(f"{category}. {group.title}", group))


def _table(title: str, group: Group) -> Table:
    # Text, because a name in [brackets] would be read as a style.
    table = Table(title=Text(title), title_justify="left", title_style="bold")
    for column, justify in COLUMNS.items():
        table.add_column(column, justify=justify, overflow="fold")
    for row in group.rows[:SHOWN]:
        table.add_row(*(Text(cell) for cell in _cells(group, row)))
    if rest := group.rows[SHOWN:]:
        table.add_row(f"and {len(rest)} more on the page")
    return table


def _cells(group: Group, row: Row) -> list[str]:
    spread, comparison = row.spread("test/accuracy"), group.comparisons.get(row.id)
    p = chance(comparison.p) if comparison else DASH
    return [
        group.labels[row.id],
        number(row.metrics.get("val/accuracy")),
        number(row.metrics.get("test/accuracy")),
        str(spread or DASH),
        "reference" if row == group.reference else p,
    ]
