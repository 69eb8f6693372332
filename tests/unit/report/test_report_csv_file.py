"""The CSV file holds every figure; a cell without a value is empty."""

from __future__ import annotations

import csv
import io

from anomaly.report.csv_file import csv_text
from anomaly.report.groups import arrange


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_for_each_run_with_figures_tags_and_what_differs(make):
    third = 1 / 3
    rows = [
        make("a", val=third, accuracy=(9, 10), model="tiny", params={"seed": "0", "epochs": "3"}),
        make("b", val=0.2, ensemble="soft_vote", params={"seed": "1", "epochs": "3"}),
    ]
    outcomes = {"a": {"1": True, "2": True}, "b": {"1": True, "2": False}}
    first, second = read(csv_text({"demo": arrange(rows, outcomes, "val/accuracy", None)}))
    assert first["metrics.val/accuracy"] == repr(third)  # nothing is rounded
    assert (first["metrics.test/accuracy_count"], second["metrics.test/accuracy_count"]) == (
        "10.0",
        "",
    )
    assert (first["params.seed"], second["params.seed"]) == ("0", "1")
    assert "params.epochs" not in first and "params.model" not in first
    assert (first["tags.model"], second["tags.model"], second["tags.ensemble"]) == (
        *("tiny", "", "soft_vote"),
    )
    assert [r["place"] for r in (first, second)] == ["1", "2"]
    assert (first["reference"], first["p"]) == ("a", "")
    assert [second[k] for k in ("reference", "only_this", "only_reference", "p")] == [
        *("a", "0", "1", "1.0")
    ]


def test_columns_of_a_kind_stand_together_whoever_has_them(make):
    rows = [make("a", metrics={"test/a": 1.0}), make("b", metrics={"test/c": 1, "test/b": 1})]
    text = csv_text({"demo": arrange(rows, {"a": {}, "b": {}}, "test/a", None)})
    names = [n for n in text.splitlines()[0].split(",") if n.startswith("metrics.")]
    assert names == ["metrics.test/a", "metrics.test/b", "metrics.test/c"]


def test_names_with_commas_quotes_and_line_breaks_survive(make):
    name = 'a,"b"\n<c>'
    (row,) = read(csv_text({"x": arrange([make("a", name=name)], {"a": {}}, "val/accuracy", None)}))
    assert row["run"] == name
