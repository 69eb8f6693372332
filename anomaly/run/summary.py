"""What a run prints at its end: figures with their evidence, and where everything is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.console import Console
from rich.table import Table

from anomaly.metrics.catalogue import TABLE
from anomaly.types import Scores

WIDE = 110  # characters of a terminal that has room for explanations
COLUMNS: dict[str, Literal["left", "right"]] = {
    "metric": "left",
    "validation": "right",
    "test": "right",
    "95 % interval": "right",
    "images": "right",
}


def print_scores(title: str, scores: dict[str, Scores], places: Sequence[tuple[str, str]]) -> None:
    """A table of validation and test figures, then lines of (what, where)."""
    console = Console(soft_wrap=True)
    table = Table(title=title, title_justify="left", title_style="bold")
    for column, justify in COLUMNS.items():
        table.add_column(column, justify=justify)
    if console.width >= WIDE:
        table.add_column("meaning", style="dim")
    for metric, meaning in TABLE.items():
        if metric in scores["test"].values:
            row = _row(metric, scores) + ([meaning] if console.width >= WIDE else [])
            table.add_row(*row)
    console.print(table)
    for what, where in places:
        console.print(f"{what:<9}{where}", highlight=False)


def _row(metric: str, scores: dict[str, Scores]) -> list[str]:
    validation, test = (scores[part].values.get(metric) for part in ("val", "test"))
    figures = ["" if value is None else f"{value:.3f}" for value in (validation, test)]
    interval, spread = scores["test"].intervals.get(metric), scores["test"].spreads.get(metric)
    if interval:
        return [metric, *figures, str(interval.spread), f"{interval.hits}/{interval.total}"]
    return [metric, *figures, str(spread or ""), ""]
