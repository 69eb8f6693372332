"""Ensembles on the real command line: of members that it finds, of named ones, fold with fold."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from anomaly.ensemble.fuse import fuse
from anomaly.metrics.calibration import apply_temperature
from anomaly.metrics.operating import DECISIONS
from anomaly.tracking.disk.predictions import read_predictions
from anomaly.types import Predictions

from .conftest import BAG, DEMO, REPOSITORY, TINY, Ended
from .test_main_job import FIGURES, IMAGES, PARTS, SHARES

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

ENSEMBLES = sorted(path.stem for path in (REPOSITORY / "conf/ensemble").glob("*.yaml"))
KINDS = ("tiny-svm", "bovw")
FOLDS = ("data.folds=3", "data.fold=range(3)")
NETWORK = (*TINY, "model.head=svm", "model.views=1", "trainer=smoke", "trainer.finetune.epochs=0")


@dataclass(frozen=True)
class Store:
    """An output folder with the members of three folds, two of different kinds in each."""

    output: Path

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.output}/mlflow.db")

    def runs(self, role: str, **tags: str) -> list[Run]:
        """The finished runs of a role with these tags, the oldest first."""
        wanted = [f"tags.`{key}` = '{value}'" for key, value in {"role": role, **tags}.items()]
        text = " and ".join([*wanted, "attributes.status = 'FINISHED'"])
        experiment = self.client.get_experiment_by_name("demo").experiment_id
        return list(self.client.search_runs([experiment], text, order_by=["start_time"]))

    def files(self, run: Run) -> Path:
        return Path(self.client.download_artifacts(run.info.run_id, ""))

    def said(self, run: Run, part: str) -> Predictions:
        return read_predictions(self.files(run) / "predictions" / f"{part}.npz")


@pytest.fixture(scope="module")
def store(train, empty_store, tmp_path_factory) -> Store:
    output = tmp_path_factory.mktemp("outputs")
    shutil.copy(empty_store, output)
    for model in (NETWORK, BAG):
        ended = train("-m", *FOLDS, *DEMO, *model, f"output={output}")
        assert ended.code == 0, ended.err
    return Store(output)


@pytest.fixture(scope="module")
def combine(train, store, without_tensorflow):
    """combine("ensemble=...", ...) combines members; whatever loads a network fails."""

    def run(*arguments: str) -> Ended:
        ended = train(*arguments, *DEMO, f"output={store.output}", **without_tensorflow)
        assert ended.code == 0, ended.err
        return ended

    return run


@pytest.fixture(scope="module")
def found(combine, store) -> tuple[Ended, dict[str, Run]]:
    """All ensembles of the members that they find at fold 0: the sweep's end, and the runs."""
    ended = combine("-m", f"ensemble={','.join(ENSEMBLES)}", "data.folds=3", "data.fold=0")
    return ended, {run.data.tags["ensemble"]: run for run in store.runs("ensemble", fold="0")}


@pytest.fixture(scope="module")
def folds(combine, store, found) -> tuple[list[str], list[Run], Run]:
    """The ids of fold 0's members, the ensemble of each fold that they name, and the pooled run."""
    ids = [run.info.run_id for run in store.runs("member", fold="0")]
    before = {run.info.run_id for run in store.runs("ensemble")}
    combine("-m", *FOLDS, "ensemble=soft_vote", f"members.run_ids=[{','.join(ids)}]")
    own = [run for run in store.runs("ensemble") if run.info.run_id not in before]
    (pooled,) = store.runs("pooled", of="ensemble")
    return ids, own, pooled


# === Found ===


def test_every_ensemble_is_a_finished_run_of_the_members_it_found(found, store):
    members = {run.info.run_id: run.data.tags["kind"] for run in store.runs("member", fold="0")}
    _, runs = found
    assert set(runs) == set(ENSEMBLES)
    for name, run in runs.items():
        assert (run.info.status, run.info.run_name) == (
            "FINISHED",
            f"demo-{name} ensemble={name}",
        )
        assert run.data.tags["kind"] == name
        voices = run.data.tags["members"].split()
        assert {members[id] for id in voices} == set(KINDS) and len(voices) == 2


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", ENSEMBLES)
def test_mlflow_holds_all_figures_of_an_ensemble(name, part, found):
    figures = found[1][name].data.metrics
    values = {figure: figures[f"{part}/{figure}"] for figure in FIGURES}
    assert np.isfinite(list(figures.values())).all()
    counts = {values.pop("escapes"), values.pop("overkill")}
    assert all(count == int(count) >= 0 for count in counts)
    assert all(0 <= value <= 1 for value in values.values()), values
    for share in SHARES:
        low, high = (figures[f"{part}/{share}_{end}"] for end in ("low", "high"))
        assert low <= values[share] <= high and figures[f"{part}/{share}_count"] > 0


def test_an_ensemble_shares_the_columns_of_its_members_in_the_table_of_runs(found, store):
    ensemble, (member, *_) = found[1]["soft_vote"], store.runs("member", fold="0")
    assert ensemble.info.experiment_id == member.info.experiment_id
    optional = re.compile(r".*/(kept_accuracy|precision\.\w+)(_(count|low|high))?|epoch/.*")
    names, others = (
        {name for name in run.data.metrics if not optional.fullmatch(name)}
        for run in (ensemble, member)
    )
    assert names == others
    for tag in ("category", "split", "fold", "data"):
        assert ensemble.data.tags[tag] == member.data.tags[tag]


def test_only_what_means_something_to_an_ensemble_is_a_parameter_of_it(found):
    groups = {key.split(".")[0] for key in found[1]["meta_learner"].data.params}
    assert groups == {"data", "ensemble", "members", "evaluate", "tracking", "seed"} | {
        *("output", "objective")
    }


@pytest.mark.parametrize("part", PARTS)
def test_a_soft_vote_is_the_calibrated_mean_of_what_its_members_stored(part, found, store):
    run = found[1]["soft_vote"]
    said = [store.said(store.client.get_run(id), part) for id in run.data.tags["members"].split()]
    said = [one.select([one.ids.index(id) for id in said[0].ids]) for one in said]
    point = json.loads((store.files(run) / "operating_point.json").read_text())
    mean = np.mean([one.proba for one in said], axis=0)
    wanted = fuse(said, apply_temperature(mean, point["temperature"]), np.array([0.5, 0.5]))
    got = store.said(run, part).select([store.said(run, part).ids.index(i) for i in wanted.ids])
    assert got.proba == pytest.approx(wanted.proba, abs=1e-12)
    assert np.abs(got.heat - wanted.heat).max() < 1e-4
    assert np.array_equal(got.segmentation, wanted.segmentation)
    for one, other in zip(got.detections, wanted.detections, strict=True):
        assert np.array_equal(one.masks, other.masks)
        assert one.scores == pytest.approx(other.scores)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_the_terminal_names_the_members_and_shows_the_figures(name, found):
    ended, runs = found
    own = runs[name]
    _, *parts = re.split(r"^\[.*HYDRA.*#\d+ : ", ended.out, flags=re.MULTILINE)
    (said,) = [part for part in parts if f"run      {own.info.run_id}" in part]
    for id in own.data.tags["members"].split():
        assert re.search(rf"^member {id}  demo-(tiny-svm|bovw) .+$", said, re.MULTILINE)
    for figure in ("accuracy", "sorting_escape_rate", "ece", "map50"):
        shown = re.search(rf"│ {figure} +│ +([\d.]+) │ +([\d.]+) │", said)
        logged = [own.data.metrics[f"{part}/{figure}"] for part in PARTS]
        assert [float(word) for word in shown.groups()] == pytest.approx(logged, abs=5e-4)
    assert "Traceback" not in ended.err and "error" not in ended.err


def test_an_ensemble_leaves_the_files_of_a_run_and_a_bundle_with_its_members(found, store):
    run = found[1]["weighted_vote"]
    files = store.files(run)
    every = {path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file()}
    names = {name for name in every if not name.startswith((".hydra/", "train.log"))}
    kinds = ("confusion", "reliability", "precision_recall", "best", "worst")
    pictures = {f"{part}_{what}" for part in PARTS for what in kinds}
    bundle = {name for name in names if name.startswith("model/")}
    assert {"model/MLmodel", "model/data/inspector.json", "model/data/combiner.npz"} <= bundle
    members = run.data.tags["members"].split()
    for place, _ in enumerate(members):
        assert f"model/data/members/{place}/inspector.json" in bundle
    assert names - bundle == {
        *("operating_point.json", "run.json", "scores.json", "split.csv"),
        *(f"predictions/{part}.npz" for part in PARTS),
        *(f"plots/{picture}.png" for picture in pictures),
    }
    assert all((Path(run.data.tags["folder"]) / name).is_file() for name in names)
    assert json.loads((files / "scores.json").read_text()) == run.data.metrics
    for picture in files.glob("plots/*.png"):
        assert cv2.imread(str(picture)).std() > 5, picture


# === Fold with fold ===


def test_members_named_by_the_ids_of_one_fold_stand_for_their_siblings(folds, store):
    ids, own, _ = folds
    assert [run.data.tags["fold"] for run in own] == ["0", "1", "2"]
    kinds = [store.client.get_run(id).data.tags["kind"] for id in ids]
    for run in own:
        voices = [store.client.get_run(id) for id in run.data.tags["members"].split()]
        assert [voice.data.tags["kind"] for voice in voices] == kinds
        assert {voice.data.tags["split"] for voice in voices} == {run.data.tags["split"]}
    assert own[0].data.tags["members"].split() == ids
    assert len({run.data.tags["cross_validation"] for run in own}) == 1


def test_each_image_is_tested_once_by_an_ensemble_that_never_saw_it(folds, store):
    _, own, pooled = folds
    tested = []
    for run in own:
        with (store.files(run) / "split.csv").open(newline="") as file:
            tested += [row["file"] for row in csv.DictReader(file) if row["part"] == "test"]
    assert len(tested) == len(set(tested)) == IMAGES
    assert set(store.said(pooled, "test").ids) == set(tested)


@pytest.mark.parametrize("part", PARTS)
def test_the_pooled_ensemble_adds_up(part, folds):
    _, own, pooled = folds
    assert (pooled.data.tags["role"], pooled.data.tags["fold"]) == ("pooled", "all")
    assert pooled.info.run_name == "demo-soft_vote-3folds"
    voices = [voice for run in own for voice in run.data.tags["members"].split()]
    assert sorted(pooled.data.tags["members"].split()) == sorted(voices)
    total = pooled.data.metrics
    for share in (*SHARES, *DECISIONS):
        parts = [
            (run.data.metrics[f"{part}/{share}"], run.data.metrics[f"{part}/{share}_count"])
            for run in own
            if f"{part}/{share}" in run.data.metrics
        ]
        if not parts:
            assert f"{part}/{share}" not in total
            continue
        count = sum(of for _, of in parts)
        assert total[f"{part}/{share}_count"] == count, share
        assert total[f"{part}/{share}"] * count == pytest.approx(sum(h * of for h, of in parts))
    assert total[f"{part}/accuracy_count"] == IMAGES
