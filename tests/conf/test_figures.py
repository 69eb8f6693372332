"""Every figure that a page shows is one of its committed result file."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from anomaly.report.runs import Row
from experiments.record import MARKED_TABLE, ranked, table

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
STUDIES = sorted(path.parent.name for path in ROOT.glob("experiments/*/README.md"))
ROWS = {
    "accuracy": "accuracy",
    "accuracy, good or which defect": "accuracy",
    "accuracy on the defective images": "defect_accuracy",
    "escapes": "escape_rate",
    "overkill": "overkill_rate",
}
LINE = (
    r"^\| ([a-z ,]+?)(?: \(.*\)|: .*)? \| ([0-9.]+) \| (\d+) / (\d+) \| ([0-9.]+) to ([0-9.]+) \|$"
)


def figures(study: str) -> dict:
    return json.loads((ROOT / "experiments" / study / "scores.json").read_text())


def row(kind: str, metrics: dict[str, float]) -> Row:
    return Row("", kind, datetime(2026, 1, 1), {"kind": kind}, {}, metrics)


def test_the_figures_of_bottle_are_those_of_the_result_file():
    scores = figures("bottle_classifiers")["bottle pooled"]["mobilenetv2"]
    found = re.findall(LINE, README.read_text(), re.MULTILINE)
    assert len(found) == 4
    for row, share, hits, count, low, high in found:
        name = f"test/{ROWS[row]}"
        wanted = [scores[name], scores[f"{name}_low"], scores[f"{name}_high"]]
        assert [share, low, high] == [f"{value:.3f}" for value in wanted]
        assert int(count) == scores[f"{name}_count"]
        assert int(hits) == round(scores[name] * int(count))


def test_the_figures_of_the_detector_are_those_of_the_result_file():
    scores = figures("bottle_mask_rcnn")["bottle pooled"]["mask_rcnn-mobilenetv2"]
    found = re.findall(r"`(\w+)`\s([0-9.]+) \(([0-9.]+) to ([0-9.]+)\)", README.read_text())
    assert len(found) == 3
    for name, *said in found:
        ends = [scores[f"test/{name}{end}"] for end in ("", "_low", "_high")]
        assert said == [f"{value:.3f}" for value in ends]


@pytest.mark.parametrize("study", STUDIES)
def test_the_tables_of_a_study_are_those_of_its_result_file(study):
    page = (ROOT / "experiments" / study / "README.md").read_text()
    found = {
        f"{category} {role}": body for _, category, role, body, _ in MARKED_TABLE.findall(page)
    }
    scores = figures(study)
    assert found == {
        name: table(ranked(row(*pair) for pair in own.items())) for name, own in scores.items()
    }


def test_the_table_of_the_demo_is_that_of_the_result_file():
    scores = json.loads((ROOT / "docs/demo_scores.json").read_text())
    line = r"^│ (\w+) +│ +([0-9.]+) │ +([0-9.]+) │ ([0-9.to ]+) │"
    rows = re.findall(line, README.read_text(), re.M)
    assert len(rows) == 17
    for name, validation, test, interval in rows:
        ends = [scores.get(f"test/{name}_{end}") for end in ("low", "high")]
        assert interval.strip() == ("" if None in ends else "{:.3f} to {:.3f}".format(*ends))
        assert f"{scores[f'val/{name}']:.3f}" == validation
        assert f"{scores[f'test/{name}']:.3f}" == test
