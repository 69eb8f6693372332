"""The runs for a spreadsheet or a program: every figure, nothing rounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from anomaly.report.groups import Group
from anomaly.report.labels import CHOICES, differing, settings
from anomaly.report.runs import Row
from anomaly.tracking.names import DESCRIPTION

KINDS = ("metrics", "params", "tags")  # of columns, and their prefixes


def csv_text(categories: Mapping[str, Sequence[Group]]) -> str:
    """CSV, a row for each run; a cell is empty where a run lacks the value.

    Columns are named as in MLflow: `metrics.`, `params.` (those that differ) and `tags.`. A run is
    compared with the `reference` of its group: `only_this` and `only_reference` count the images
    that only one of the two classified correctly, and `p` is that of McNemar's test.
    """
    groups = [group for members in categories.values() for group in members]
    rows = [row for group in groups for row in group.rows]
    keys = differing(rows)
    lines = [_line(group, row, keys) for group in groups for row in group.rows]
    file = io.StringIO()
    columns = dict.fromkeys(name for line in lines for name in line)
    writer = csv.DictWriter(file, sorted(columns, key=_order))
    writer.writeheader()
    writer.writerows(lines)
    return file.getvalue()


def _order(column: str) -> tuple[int, str]:
    """First the columns of every run, in the order of `_line`; then each kind by name."""
    kind, dot, _ = column.partition(".")
    return (KINDS.index(kind) + 1, column) if dot else (0, "")


def _line(group: Group, row: Row, keys: Sequence[str]) -> dict[str, object]:
    values = settings(row)
    return {
        "category": row.category,
        "tested": group.title,
        "place": group.rows.index(row) + 1,
        "run": row.name,
        "run_id": row.id,
        "started": row.started.isoformat(timespec="seconds"),
        "command": row.tags.get(DESCRIPTION, "").strip("`"),
        **_comparison(group, row),
        **{f"metrics.{key}": value for key, value in row.metrics.items()},
        **{f"params.{key}": values.get(key) for key in keys if key not in CHOICES},
        **{f"tags.{k}": v for k, v in row.tags.items() if not k.startswith("mlflow.")},
    }


def _comparison(group: Group, row: Row) -> dict[str, object]:
    comparison = group.comparisons.get(row.id)
    return {
        "reference": group.reference.id,
        "only_this": comparison.only_first if comparison else None,
        "only_reference": comparison.only_second if comparison else None,
        "p": comparison.p if comparison else None,
    }
