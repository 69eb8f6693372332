"""The main job: from one command line to figures, pictures and a model that MLflow keeps."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from omegaconf import OmegaConf
from scipy import ndimage

from anomaly.data.split import digest
from anomaly.metrics.calibration import apply_temperature
from anomaly.metrics.join import join
from anomaly.metrics.operating import OperatingPoint, decisions
from anomaly.metrics.recorded import figures
from anomaly.metrics.score import score
from anomaly.model.pictures import turn
from anomaly.tracking.disk.predictions import read_predictions
from anomaly.types import Truth

from .conftest import BAG, DEMO, REPOSITORY, SMOKE, TINY, Ended

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

PARTS = {"val": "validate", "test": "test"}
SHARES = (
    *("accuracy", "defect_accuracy", "escape_rate", "overkill_rate"),
    *("sorting_escape_rate", "sorting_overkill_rate", "coverage"),
)
FIGURES = (
    *SHARES,
    *("balanced_accuracy", "macro_f1", "auroc", "ece", "escapes", "overkill"),
    *("iou", "map", "map50", "box_map", "box_map50"),
    *("ap.hole", "ap.scratch", "ap.stain"),
    *("recall.good", "recall.hole", "recall.scratch", "recall.stain"),
)
CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")
EPOCHS = 3  # two of the head, one of fine-tuning
IMAGES = 28  # 4 of each of three defect types, 16 good


@dataclass(frozen=True)
class Job:
    """A finished command line, and what MLflow keeps of it."""

    ended: Ended
    output: Path
    folder: Path
    client: MlflowClient
    run: Run
    cache: dict[str, tuple[int, int]]  # its files as the run left them

    @property
    def artifacts(self) -> Path:
        return Path(self.client.download_artifacts(self.run.info.run_id, ""))

    @property
    def point(self) -> OperatingPoint:
        return OperatingPoint(**json.loads((self.artifacts / "operating_point.json").read_text()))

    @property
    def finals(self) -> dict[str, float]:
        return {k: v for k, v in self.run.data.metrics.items() if not k.startswith("epoch/")}

    def curve(self, key: str) -> list[tuple[int, float]]:
        history = self.client.get_metric_history(self.run.info.run_id, f"epoch/{key}")
        return sorted((point.step, point.value) for point in history)

    def split(self, part: str | None = None) -> list[dict[str, str]]:
        with (self.artifacts / "split.csv").open(newline="") as file:
            return [row for row in csv.DictReader(file) if part in (None, row["part"])]


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def job(start, output) -> Job:
    """The first run in its output folder, in a process of its own."""
    return run_in(lambda *words: start("train.py", *words).ended(), output)


@pytest.fixture(scope="module")
def again(train, output, job) -> Job:
    """The same command, typed once more, in a fork of a warm process."""
    return run_in(train, output)


def run_in(train, output: Path) -> Job:
    ended = train(*DEMO, *TINY, *SMOKE, f"output={output}")
    assert ended.code == 0, ended.err
    client = MlflowClient(f"sqlite:///{output}/mlflow.db")
    run = client.get_run(ended.said("run"))
    return Job(ended, output, Path(ended.said("results")), client, run, files_of(output / "cache"))


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """{path: (inode, bytes)}; a file that is written anew gets another inode."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(p.relative_to(folder)): (p.stat().st_ino, p.stat().st_size) for p in found}


def truth_of(job: Job, part: str, classes: tuple[str, ...]) -> Truth:
    """Read straight from the files: pictures and the evaluation grid both have 64 pixels a side."""
    rows = job.split(PARTS[part])
    masks = np.zeros((len(rows), 64, 64), bool)
    for mask, row in zip(masks, rows, strict=True):
        if row["class"] != "good":
            path = home(job) / "ground_truth" / row["class"] / Path(row["file"]).name
            mask |= cv2.imread(str(path.with_name(path.stem + "_mask.png")), 0) > 0
    labels = np.array([classes.index(row["class"]) for row in rows])
    numbered = np.stack([ndimage.label(mask, np.ones((3, 3)))[0] for mask in masks])
    return Truth(tuple(row["file"] for row in rows), classes, labels, numbered.astype(np.uint8))


def home(job: Job) -> Path:
    return job.output / "demo" / "demo"


def test_the_run_ends_well_and_says_its_figures_and_where_to_find_them(job):
    assert "Traceback" not in job.ended.err and "error" not in job.ended.err
    assert "Result, reported on the test part" in job.ended.out
    accuracy = [job.finals[f"{part}/accuracy"] for part in PARTS]
    shown = re.search(r"│ accuracy +│ +([\d.]+) │ +([\d.]+) │", job.ended.out)
    assert [float(figure) for figure in shown.groups()] == pytest.approx(accuracy, abs=5e-4)
    ui = job.ended.said("compare")
    database = f"sqlite:///{job.output}/mlflow.db"
    assert ui == f"make ui OUTPUT={job.output} (mlflow ui --backend-store-uri {database})"
    assert job.folder.is_relative_to(job.output / "runs")


def test_the_run_is_finished_under_its_category(job):
    assert job.run.info.status == "FINISHED"
    assert job.run.info.run_name == "demo-tiny"
    assert job.client.get_experiment(job.run.info.experiment_id).name == "demo"


@pytest.mark.parametrize("part", PARTS)
def test_every_figure_is_there_and_finite(part, job):
    values = {name: job.finals[f"{part}/{name}"] for name in FIGURES}
    assert all(math.isfinite(value) for value in job.finals.values())
    counts = {values.pop("escapes"), values.pop("overkill")}
    assert all(count == int(count) >= 0 for count in counts)
    assert all(0 <= value <= 1 for value in values.values()), values


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("share", SHARES)
def test_every_share_comes_with_its_evidence(share, part, job):
    low, value, high, count = (
        job.finals[f"{part}/{share}{end}"] for end in ("_low", "", "_high", "_count")
    )
    assert 0 <= low <= value <= high <= 1 and low < high
    rows = job.split(PARTS[part])
    good = sum(row["class"] == "good" for row in rows)
    defective = len(rows) - good
    wanted = dict.fromkeys(("accuracy", "coverage"), len(rows))
    wanted |= dict.fromkeys(("overkill_rate", "sorting_overkill_rate"), good)
    assert count == wanted.get(share, defective)


def test_parameters_are_the_values_of_the_config_under_their_paths(job):
    typed = {
        key: value
        for key, _, value in (entry.partition("=") for entry in (*DEMO, *TINY, *SMOKE))
        if "." in key
    }
    assert typed.items() <= job.run.data.params.items()
    config = OmegaConf.load(job.artifacts / ".hydra" / "config.yaml")
    OmegaConf.resolve(config)
    for key, value in job.run.data.params.items():
        assert value == str(OmegaConf.select(config, key)), key
    assert {"seed", "trainer.finetune.learning_rate", "model.dropout"} <= set(job.run.data.params)


def test_tags_say_what_the_run_is(job):
    tags = job.run.data.tags
    assert (tags["role"], tags["category"], tags["sweep"]) == ("member", "demo", "")
    assert (tags["model"], tags["backbone"], tags["data"]) == ("tiny", "tiny", "demo")
    assert tags["folder"] == str(job.folder)
    assert tags["split"] == digest([(r["file"], r["class"], r["part"]) for r in job.split()])
    assert "python train.py data=demo" in tags["mlflow.note.content"]
    if (REPOSITORY / ".git").exists() and shutil.which("git"):
        assert re.fullmatch(r"[\w.-]*[0-9a-f]{12}(-dirty)?", tags["git"])


@pytest.mark.parametrize("key", CURVES)
def test_every_curve_has_one_value_for_each_epoch(key, job):
    curve = job.curve(key)
    assert [step for step, _ in curve] == list(range(EPOCHS))
    assert all(math.isfinite(value) for _, value in curve)


def test_the_split_holds_every_image_once_and_every_class_in_every_part(job):
    rows = job.split()
    drawn = {p.relative_to(home(job)).as_posix() for p in home(job).glob("t*/*/*.png")}
    assert len(rows) == len(drawn) == IMAGES and {row["file"] for row in rows} == drawn
    parts = {(row["part"], row["class"]) for row in rows}
    assert len(parts) == 3 * 4


@pytest.mark.parametrize("part", PARTS)
def test_stored_predictions_score_the_logged_figures_again(part, job):
    predictions = read_predictions(job.artifacts / "predictions" / f"{part}.npz")
    truth = truth_of(job, part, predictions.classes)
    scores = score(join(predictions, truth), decisions(join(predictions, truth), job.point))
    logged = {name: value for name, value in job.finals.items() if name.startswith(f"{part}/")}
    assert figures({part: scores}) == pytest.approx(logged, abs=1e-12)


def test_sorting_lets_no_defect_of_validate_through_unless_told_to(job):
    assert job.run.data.params["evaluate.max_escape_rate"] == "0.0"
    assert job.finals["val/sorting_escape_rate"] == 0
    assert job.point.reject_below == float(job.run.data.params["evaluate.reject_below"])


@pytest.mark.parametrize("part", PARTS)
def test_the_model_of_mlflow_averaged_over_the_views_and_calibrated_predicts_what_is_stored(
    part, job, monkeypatch
):
    import mlflow.keras

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{job.output}/mlflow.db")
    model = mlflow.keras.load_model(f"runs:/{job.run.info.run_id}/model")
    predictions = read_predictions(job.artifacts / "predictions" / f"{part}.npz")
    images = [cv2.imread(str(home(job) / id))[..., ::-1] for id in predictions.ids]
    views = [
        np.stack([turn(image, view) for image in images])
        for view in range(int(job.run.data.params["model.views"]))
    ]
    proba = [np.asarray(model.predict_on_batch(view.astype(np.float32))) for view in views]
    told = apply_temperature(np.mean(proba, axis=0, dtype=np.float64), job.point.temperature)
    # pooled inside the network here, and outside of it in the run: float32 sums in another order
    assert np.abs(told - predictions.proba).max() < 1e-5


@pytest.mark.parametrize(
    "name",
    [
        *("training_curves", "augmentation"),
        *(
            f"{part}_{what}"
            for part in PARTS
            for what in ("confusion", "reliability", "precision_recall", "best", "worst")
        ),
    ],
)
def test_every_picture_is_there_and_shows_something(name, job):
    picture = cv2.imread(str(job.artifacts / "plots" / f"{name}.png"))
    assert min(picture.shape[:2]) > 100
    assert picture.std() > 5


def test_the_folder_of_the_run_holds_all_that_mlflow_holds(job):
    kept = files_of(job.artifacts)
    own = files_of(job.folder)
    assert kept.keys() == own.keys()
    assert json.loads((job.folder / "scores.json").read_text()) == job.finals
    assert json.loads((job.folder / "run.json").read_text())["run_id"] == job.run.info.run_id


def test_the_same_command_gives_the_same_figures(job, again):
    assert again.run.info.run_id != job.run.info.run_id
    assert again.finals == job.finals
    assert [again.curve(key) for key in CURVES] == [job.curve(key) for key in CURVES]
    assert again.split() == job.split()


def test_a_second_run_computes_no_feature_and_decodes_no_picture(job, again):
    def computed(ended: Ended) -> list[int]:
        return [
            int(n) for n in re.findall(r"(?:pictures|photos), (\d+) not in the cache", ended.out)
        ]

    assert sum(computed(job.ended)) > 40
    assert len(computed(again.ended)) == len(computed(job.ended))
    assert sum(computed(again.ended)) == 0
    assert again.cache == job.cache  # nothing new, nothing written anew


def test_a_cache_too_small_for_the_run_changes_no_figure(train, fresh_output, job):
    limit = 400_000  # bytes, of the 7 million that the run would like to keep
    small = (f"cache.gigabytes={limit / 2**30}", f"output={fresh_output}")
    ended = train(*DEMO, *TINY, *SMOKE, *small)
    assert ended.code == 0, ended.err
    assert json.loads((Path(ended.said("results")) / "scores.json").read_text()) == job.finals
    assert sum(size for _, size in job.cache.values()) > 10 * limit
    assert sum(size for _, size in files_of(fresh_output / "cache").values()) <= limit


@pytest.fixture(scope="module")
def folds(train, output, job, again) -> tuple[Ended, list[Run], list[Run]]:
    """A cross-validation as one sweep: its end, its members, and its pooled runs."""
    folds = ("-m", "data.folds=3", "data.fold=range(3)")  # between, as people type it
    ended = train(*DEMO, *folds, *BAG, f"output={output}")
    assert ended.code == 0, ended.err
    runs = job.client.search_runs([job.run.info.experiment_id], "params.`data.folds` = '3'")
    roles = [[run for run in runs if run.data.tags["role"] == r] for r in ("member", "pooled")]
    return ended, *roles


def rows_of(job: Job, run: Run, part: str) -> Iterator[dict[str, str]]:
    path = job.client.download_artifacts(run.info.run_id, "split.csv")
    with Path(path).open(newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["part"] == part)


def test_a_sweep_over_folds_leaves_a_member_for_each_and_one_pooled_run(folds):
    ended, members, pooled = folds
    assert [len(members), len(pooled)] == [3, 1]
    runs = members + pooled
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert {run.data.tags["fold"] for run in runs} == {"0", "1", "2", "all"}
    assert len({run.data.tags["cross_validation"] for run in runs}) == 1
    assert len({run.data.tags["sweep"] for run in runs}) == 1 and runs[0].data.tags["sweep"]
    assert "3 folds pooled: each image tested once" in ended.out


def test_folds_test_every_image_once(folds, job):
    tested = [row["file"] for run in folds[1] for row in rows_of(job, run, "test")]
    assert len(tested) == IMAGES
    assert set(tested) == {row["file"] for row in job.split()}


@pytest.mark.parametrize("part", PARTS)
def test_the_pooled_run_scores_the_predictions_of_all_folds_together(part, folds, job):
    _, members, (pooled,) = folds
    assert pooled.data.metrics[f"{part}/accuracy_count"] == IMAGES
    hits = sum(
        run.data.metrics[f"{part}/accuracy"] * run.data.metrics[f"{part}/accuracy_count"]
        for run in members
    )
    assert pooled.data.metrics[f"{part}/accuracy"] == pytest.approx(hits / IMAGES)
    path = job.client.download_artifacts(pooled.info.run_id, f"predictions/{part}.npz")
    assert sorted(read_predictions(Path(path)).ids) == sorted(row["file"] for row in job.split())
