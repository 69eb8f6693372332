"""python -m experiments.record STUDY OUTPUT: writes a study's figures from the runs of its store.

`scores.json` gets every figure of the newest run of each kind, `accuracy.png` the shares, and the
README of the study its tables: `<!-- table CATEGORY ROLE -->` says where, and of which runs.
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

PLACE = re.compile(r"(<!-- table (\w+) (\w+) -->\n)(.*?)(<!-- end -->)", re.S)
P = "p"  # of McNemar's test against the best
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
    """Read the store once; every table of the README is made anew.

    Raises:
        InputError: the store has none of the runs of a table.
    """
    uri = store_at(output).uri
    client = reader(uri)
    if client is None:
        raise InputError(f"no run in {uri}: run the study first")
    found = rows(all_finished(client))
    page = (study / "README.md").read_text()
    places = [at[1:3] for at in PLACE.findall(page)]
    chosen = {at: _compared(client, found, _newest(found, *at)) for at in places}
    scores = {
        f"{category} {role}": {row.tags["kind"]: _rounded(row) for row in own}
        for (category, role), own in chosen.items()
    }
    (study / "scores.json").write_text(json.dumps(scores, indent=1, sort_keys=True) + "\n")
    _picture(next(iter(chosen.values()))).savefig(study / "accuracy.png")
    (study / "README.md").write_text(
        PLACE.sub(lambda m: m[1] + table(chosen[m[2], m[3]]) + m[5], page)
    )


def _newest(found: Sequence[Row], category: str, role: str) -> list[Row]:
    """The newest run of each kind, the best on validation first; ensembles stand among members.

    Folds stand in their pooled run only.
    """
    roles = {role, "ensemble"} if role == "member" else {role}
    known = [row for row in found if row.category == category and row.tags["role"] in roles]
    own = [row for row in known if not row.single_fold]
    if not own:
        raise InputError(f"no finished run of {category} with role={role}: run the study first")
    newest = {row.tags["kind"]: row for row in reversed(own)}
    return ranked(newest.values())


def _compared(client: MlflowClient, found: Sequence[Row], own: Sequence[Row]) -> list[Row]:
    """With McNemar's p against the best on validation, of all test images, as one more figure."""
    artifacts = read_artifacts(client, own)
    categories = group_by_category(client, found, own, artifacts, "val/accuracy", own[0])
    groups = [group for groups in categories.values() for group in groups]
    p = {id: {P: found.p} for group in groups for id, found in group.comparisons.items()}
    return [replace(row, metrics={**row.metrics, **p.get(row.id, {})}) for row in own]


def ranked(chosen: Iterable[Row]) -> list[Row]:
    """The best on validation first; of equal ones by name."""
    by_name = sorted(chosen, key=lambda row: row.tags["kind"])
    return sorted(by_name, key=_validated, reverse=True)


def _validated(row: Row) -> tuple[float, float]:
    return row.metrics["val/accuracy"], row.metrics["val/defect_accuracy"]


def _rounded(row: Row) -> dict[str, float]:
    return {name: round(value, 6) for name, value in sorted(row.metrics.items())}


def _picture(chosen: Sequence[Row]):
    names = [row.tags["kind"] for row in chosen]
    series = {name: [row.share(f"test/{name}") for row in chosen] for name in SHARES}
    return bars(names, series, "test, good or which defect")


def table(chosen: Sequence[Row]) -> str:
    """Markdown, a row for each run: shares with their evidence, chosen by the first column."""
    lines = [HEAD, ["---"] * len(HEAD), *map(_cells, chosen)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cells(row: Row) -> list[str]:
    accuracy, defects = _validated(row)
    sorted_out = (_count(row, f"test/sorting_{name}_rate") for name in ("escape", "overkill"))
    return [
        row.tags["kind"],
        f"{accuracy:.3f}, {defects:.3f}",
        *(_share(row, f"test/{name}") for name in SHARES),
        f"{row.metrics[P]:.2f}" if P in row.metrics else "best",
        f"{row.metrics['test/auroc']:.3f}",
        ", ".join(sorted_out),
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
    """With its interval, where the run has one."""
    spread = row.spread(name)
    return f"{row.metrics[name]:.3f}" + (f" ({spread})" if spread else "")


def _count(row: Row, name: str) -> str:
    share = row.share(name)
    return f"{share.hits} / {share.total}" if share else "–"


if __name__ == "__main__":
    with explained():
        main(Path(sys.argv[1]), Path(sys.argv[2]))
