"""The report of a real store, by its real command line."""

from __future__ import annotations

import csv
import hashlib
import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path

import cv2
import numpy as np
import pytest

from anomaly.metrics.join import join
from anomaly.metrics.mcnemar import mcnemar
from anomaly.metrics.recorded import figures
from anomaly.metrics.score import score
from anomaly.tracking.disk.predictions import write_predictions
from anomaly.tracking.run import start as start_run
from anomaly.tracking.store import store_at
from anomaly.types import Detections, Predictions, Scores, Truth

from .conftest import Ended

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

CLASSES = ("good", "dent", "<script>")
TRUTH = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
IDS = tuple(f"test/{CLASSES[label]}/{number:03}.png" for number, label in enumerate(TRUTH))
WICKED = "<script>alert(1)</script>"
GRID = 8


def predicted(*wrong: int) -> np.ndarray:
    """Labels predicted by a model that takes these images for another class."""
    labels = TRUTH.copy()
    labels[list(wrong)] = (labels[list(wrong)] + 1) % 3
    return labels


def predictions(labels: np.ndarray, order: np.ndarray) -> Predictions:
    blank = np.zeros((len(labels), GRID, GRID), np.float32)
    none = Detections(
        np.zeros((0, 4), np.float32), np.zeros((0, GRID, GRID), bool), np.zeros(0), np.zeros(0, int)
    )
    ids = tuple(IDS[i] for i in order)
    return Predictions(
        ids, CLASSES, np.eye(3)[labels[order]], blank, blank > 0, (none,) * len(order)
    )


def leave_files(folder: Path, labels: np.ndarray, seed: int, split: bool) -> dict[str, Scores]:
    """What a run leaves in its folder: predictions in some order, pictures, the split."""
    order = np.random.default_rng(seed).permutation(len(IDS))
    made = predictions(labels, order)
    write_predictions(folder / "predictions" / "test.npz", made)
    picture = np.random.default_rng(seed).integers(0, 256, (20, 1000, 3), np.uint8)
    (folder / "plots").mkdir()
    for name in ("confusion", "worst"):
        cv2.imwrite(str(folder / "plots" / f"test_{name}.png"), picture)
    if split:
        lines = [f"{id},{CLASSES[label]},test,0,1" for id, label in zip(IDS, TRUTH, strict=True)]
        head = "file,class,part,group,images_of_group"
        (folder / "split.csv").write_text("\n".join([head, *lines]))
    scores = score(
        join(made, Truth(IDS, CLASSES, TRUTH, np.zeros((len(IDS), GRID, GRID), np.uint8)))
    )
    return {"val": scores, "test": scores}


@pytest.fixture(scope="module")
def output(tmp_path_factory, empty_store) -> Path:
    """A store: of one split two models and an ensemble, and two pooled cross-validations."""
    output = tmp_path_factory.mktemp("outputs")
    shutil.copy(empty_store, output)

    def run(name: str, wrong: tuple[int, ...], category: str = "widget", **given: str) -> None:
        folder = output / "runs" / hashlib.sha256(f"{name}{given}".encode()).hexdigest()[:8]
        folder.mkdir(parents=True)
        tags = {"role": "member", "split": "s", "category": category, "folder": str(folder)} | given
        params = {"seed": "0", "data.folds": "3"}
        with start_run(
            store_at(output), folder, experiment=category, name=name, params=params, tags=tags
        ) as tracker:
            split = tags["role"] != "pooled"
            tracker.finish(figures(leave_files(folder, predicted(*wrong), len(name), split)))

    run("widget-tiny", (4, 5, 7, 8), model="tiny")
    run('widget & "quotes"', (4,), model="bovw")
    run("widget-soft_vote", (), role="ensemble", ensemble="soft_vote")
    run("widget-tiny-3folds", (1, 2, 3), role="pooled", fold="all")
    run("widget-bovw-3folds", (1,), role="pooled", fold="all")
    run("wicked-tiny", (1,), WICKED, split=WICKED)
    return output


@pytest.fixture(scope="module")
def report(command, output) -> Callable[..., Ended]:
    """report("--sort", ...) runs the command to its end."""
    return lambda *arguments: command("anomaly.report", "--output", output, *arguments)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def content(folder: Path) -> dict[str, str]:
    """{path: digest} of a folder's files."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(report, output) -> tuple[Ended, str, list[dict[str, str]]]:
    """The report without options: its end, its page, its table. The store is as it was."""
    before = content(output)
    ended = report()
    assert ended.code == 0, ended.err
    after = content(output)
    new = {"report/report.html", "report/report.csv"}
    assert {path: after[path] for path in after if path not in new} == before
    assert new <= after.keys()
    page = Path(ended.said("page"))
    assert page == output / "report" / "report.html"
    return ended, page.read_text(encoding="utf-8"), table(Path(ended.said("table")))


def test_groups_and_ranks_are_by_what_was_tested(made):
    _, _, rows = made
    listed = [(row["category"], row["tested"].split(":")[0], row["run"]) for row in rows]
    assert listed == [
        (WICKED, "Split <script>", "wicked-tiny"),
        ("widget", "3 folds pooled", "widget-bovw-3folds"),
        ("widget", "3 folds pooled", "widget-tiny-3folds"),
        ("widget", "Split s", "widget-soft_vote"),
        ("widget", "Split s", 'widget & "quotes"'),
        ("widget", "Split s", "widget-tiny"),
    ]


def test_p_is_that_of_the_predictions_joined_by_id(made):
    """Runs list images in different orders, and pooled runs need the split.csv of others."""
    rows = {row["run"]: row for row in made[2]}
    for name, other, wrong, wrong_other in (
        ("widget-tiny", "widget-soft_vote", (4, 5, 7, 8), ()),
        ("widget-tiny-3folds", "widget-bovw-3folds", (1, 2, 3), (1,)),
    ):
        first, second = (
            dict(zip(IDS, predicted(*images) == TRUTH, strict=True))
            for images in (wrong, wrong_other)
        )
        expected = mcnemar(first, second)
        row = rows[name]
        assert row["reference"] == rows[other]["run_id"]
        counted = [row[key] for key in ("only_this", "only_reference", "p")]
        assert counted == [*(str(value) for value in expected)]


def test_the_page_shows_runs_pictures_and_names_as_text(made):
    _, page, rows = made
    assert "<script" not in page and WICKED in unescape(page)
    assert 'widget & "quotes"' in unescape(page) and 'widget & "quotes"' not in page
    assert page.count("data:image/jpeg") == len(rows)  # the worst mistakes of each run
    assert page.count("data:image/png") == len(rows) + 2  # confusion matrices, and two charts
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)
    assert not re.search(r"https?://", page)


def test_the_table_holds_the_figures_of_mlflow(made):
    row = next(row for row in made[2] if row["run"] == "widget-tiny")
    assert float(row["metrics.test/accuracy"]) == 0.6
    assert float(row["metrics.test/accuracy_count"]) == 10
    assert 0 < float(row["metrics.test/accuracy_low"]) < 0.6
    assert row["tags.model"] == "tiny"


def test_the_terminal_shows_a_summary(made):
    out = made[0].out
    assert "widget. 3 folds pooled: 10 test images" in out
    assert re.search(r"widget-tiny +│ +0\.600 │ +0\.600 │ 0\.313 to 0\.832 │ +0\.125", out)


def test_a_named_run_is_the_reference_and_a_new_report_replaces_the_old(report, made, tmp_path):
    for against in ("widget-soft_vote", "widget-tiny"):
        ended = report("--category", "widget", "--against", against, "--to", tmp_path)
        assert ended.code == 0, ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.csv", "report.html"]
    rows = table(tmp_path / "report.csv")
    ids = {row["run"]: row["run_id"] for row in rows}
    references = {row["reference"] for row in rows if row["tested"].startswith("Split")}
    assert references == {ids["widget-tiny"]}


def test_pooled_runs_alone_are_compared_too(report, tmp_path):
    ended = report("--role", "pooled", "--to", tmp_path)
    assert ended.code == 0, ended.err
    last = table(tmp_path / "report.csv")[-1]
    assert (last["only_this"], last["only_reference"], last["p"]) == ("0", "2", "0.5")


@pytest.mark.parametrize(
    "typed, sentence",
    {
        "--category wigdet": "--category wigdet has no finished run; did you mean widget?",
        "--uri nowhere": "--uri nowhere must be a server (http://HOST:PORT) or a database (sqlite",
        "--to /dev/null/x": "cannot write /dev/null/x/report.html: Not a directory; choose another",
    }.items(),
)
def test_a_mistake_is_answered_with_one_sentence(typed, sentence, report):
    ended = report(*typed.split())
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith(f"error: {sentence}")
    assert "Traceback" not in ended.err


def test_without_a_store_none_is_made_and_the_answer_says_what_to_run(command, tmp_path):
    ended = command("anomaly.report", "--output", tmp_path / "new")
    assert ended.code == 1 and ended.err.startswith("error: no finished run in sqlite:///")
    assert "python train.py" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_store_gets_one_sentence(command, tmp_path):
    (tmp_path / "mlflow.db").write_text("no database" * 99)
    ended = command("anomaly.report", "--output", tmp_path)
    assert ended.code == 1
    assert re.fullmatch(
        r"error: cannot use the tracking store .*: file is not a database; .*\n", ended.err
    )


def test_a_server_that_does_not_answer_gets_one_sentence(command, free_port, tmp_path):
    uri = f"http://127.0.0.1:{free_port}"
    ended = command("anomaly.report", "--uri", uri, "--output", tmp_path)
    assert ended.code == 1
    assert ended.err.startswith(f"error: cannot use the tracking store {uri}: Connection refused;")
    assert list(tmp_path.iterdir()) == []


def test_a_run_with_damaged_files_is_listed_but_not_compared(report, output, tmp_path):
    files = sorted((output / "artifacts").rglob("predictions/test.npz"))
    kept = {path: path.read_bytes() for path in files}
    try:
        for path in files:
            path.write_bytes(b"PK damaged")
        ended = report("--category", "widget", "--to", tmp_path)
    finally:
        for path, whole in kept.items():
            path.write_bytes(whole)
    assert ended.code == 0, ended.err
    assert ended.err.count("is not compared: ") == 5
    rows = table(tmp_path / "report.csv")
    assert len(rows) == 5 and {row["p"] for row in rows} == {""}
