"""python -m experiments.record STUDY OUTPUT: writes the results of a study from its recorded runs.

`scores.json` gets all metrics of the newest run of each kind, `accuracy.png` the accuracies, and
the README of the study its tables, each between `<!-- table CATEGORY ROLE -->` and `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from anomaly.config.explain import explained
from anomaly.errors import InputError
from anomaly.plots.bars import bars
from anomaly.report.collect import group_by_category, read_artifacts
from anomaly.report.runs import Row, rows
from anomaly.tracking.read import all_finished, reader
from anomaly.tracking.store import store_at

if TYPE_CHECKING:
    from mlflow import MlflowClient

MARKED_TABLE = re.compile(r"(<!-- table (\w+) (\w+) -->\n)(.*?)(<!-- end -->)", re.S)
P = "p"  # the p-value of McNemar's test against the best model
SHARES = ("accuracy", "defect_accuracy")
HEAD = (
    "model",
    "validation accuracy, defects",
    "test accuracy",
    "test accuracy on defects",
    "p",
    "AUROC",
    "escapes, overkill at the sorting threshold",
    "right of those kept",
    "ECE",
    "IoU",
    "map",
    "map50",
    "box map50",
)


def main(study: Path, output: Path) -> None:
    """Write scores.json, accuracy.png and all tables of the README.

    Raises:
        InputError: nothing was recorded, or no run for one of the tables.
    """
    uri = store_at(output).uri
    client = reader(uri)
    if client is None:
        raise InputError(f"no run in {uri}: run the study first")
    finished = rows(all_finished(client))
    page = (study / "README.md").read_text()
    tables = [match[1:3] for match in MARKED_TABLE.findall(page)]
    chosen = {at: _with_p(client, finished, _newest(finished, *at)) for at in tables}
    scores = {
        f"{category} {role}": {row.tags["kind"]: _rounded(row) for row in newest}
        for (category, role), newest in chosen.items()
    }
    (study / "scores.json").write_text(json.dumps(scores, indent=1, sort_keys=True) + "\n")
    _picture(next(iter(chosen.values()))).savefig(study / "accuracy.png")
    (study / "README.md").write_text(
        MARKED_TABLE.sub(lambda m: m[1] + table(chosen[m[2], m[3]]) + m[5], page)
    )


def _newest(finished: Sequence[Row], category: str, role: str) -> list[Row]:
    """The newest run of each kind, the best on validation first; members include ensembles.

    The runs of single folds are left out: their pooled run counts.
    """
    roles = {role, "ensemble"} if role == "member" else {role}
    in_role = [row for row in finished if row.category == category and row.tags["role"] in roles]
    matching = [row for row in in_role if not row.single_fold]
    if not matching:
        raise InputError(f"no finished run of {category} with role={role}: run the study first")
    newest = {row.tags["kind"]: row for row in reversed(matching)}
    return ranked(newest.values())


def _with_p(client: MlflowClient, finished: Sequence[Row], runs: Sequence[Row]) -> list[Row]:
    """The runs, with McNemar's p against the best on validation as one more metric."""
    artifacts = read_artifacts(client, runs)
    categories = group_by_category(client, finished, runs, artifacts, "val/accuracy", runs[0])
    groups = [group for groups in categories.values() for group in groups]
    p = {id: {P: test.p} for group in groups for id, test in group.comparisons.items()}
    return [replace(row, metrics={**row.metrics, **p.get(row.id, {})}) for row in runs]


def ranked(chosen: Iterable[Row]) -> list[Row]:
    """The best on validation first; equally good ones by name."""
    by_name = sorted(chosen, key=lambda row: row.tags["kind"])
    return sorted(by_name, key=_validation, reverse=True)


def _validation(row: Row) -> tuple[float, float]:
    return row.metrics["val/accuracy"], row.metrics["val/defect_accuracy"]


def _rounded(row: Row) -> dict[str, float]:
    return {name: round(value, 6) for name, value in sorted(row.metrics.items())}


def _picture(chosen: Sequence[Row]):
    names = [row.tags["kind"] for row in chosen]
    series = {name: [row.share(f"test/{name}") for row in chosen] for name in SHARES}
    return bars(names, series, "test, good or which defect")


def table(chosen: Sequence[Row]) -> str:
    """A Markdown table with a row for each run, shares with their counts and intervals."""
    lines = [HEAD, ["---"] * len(HEAD), *map(_cells, chosen)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cells(row: Row) -> list[str]:
    accuracy, defects = _validation(row)
    sorting = (_count(row, f"test/sorting_{name}_rate") for name in ("escape", "overkill"))
    return [
        row.tags["kind"],
        f"{accuracy:.3f}, {defects:.3f}",
        *(_share(row, f"test/{name}") for name in SHARES),
        f"{row.metrics[P]:.2f}" if P in row.metrics else "best",
        f"{row.metrics['test/auroc']:.3f}",
        ", ".join(sorting),
        _count(row, "test/kept_accuracy"),
        f"{row.metrics['test/ece']:.3f}",
        *(_figure(row, f"test/{name}") for name in ("iou", "map", "map50", "box_map50")),
    ]


def _share(row: Row, name: str) -> str:
    share = row.share(name)
    assert share is not None
    value = row.metrics[name]
    return f"{value:.3f} ({share.hits} / {share.total}, {share.spread})"


def _figure(row: Row, name: str) -> str:
    """The value of a metric, with its interval if the run has one."""
    spread = row.spread(name)
    return f"{row.metrics[name]:.3f}" + (f" ({spread})" if spread else "")


def _count(row: Row, name: str) -> str:
    share = row.share(name)
    return f"{share.hits} / {share.total}" if share else "–"


if __name__ == "__main__":
    with explained():
        main(Path(sys.argv[1]), Path(sys.argv[2]))
