"""After a cross-validation one model learns from all images, and is as good as its folds were."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import Run

import anomaly
from anomaly.cli import main
from anomaly.tracking.disk.predictions import read_predictions

from .conftest import BAG, DEMO, Ended

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

IMAGES = 28  # 4 of each of three defect types, 16 good


@dataclass(frozen=True)
class Folds:
    """A store with the runs of a cross-validation, and the one that was trained on all images."""

    output: Path
    ended: Ended  # of the refitted run

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.output}/mlflow.db")

    def runs(self, role: str) -> list[Run]:
        experiment = self.client.get_experiment_by_name("demo").experiment_id
        return list(self.client.search_runs([experiment], f"tags.role = '{role}'"))

    @property
    def folder(self) -> Path:
        return Path(self.ended.said("results"))


@pytest.fixture(scope="module")
def folds(train, empty_store, tmp_path_factory) -> Folds:
    """One fold of a sweep, a pooled run that is made of it alone, and that run refitted."""
    output = tmp_path_factory.mktemp("outputs")
    shutil.copy(empty_store, output)
    ended = train(
        "sweep=folds", "data.folds=3", "data.fold=0", *DEMO, *BAG, "model.C=3", f"output={output}"
    )
    assert ended.code == 0, ended.err
    pooled_id = pooled_of(Folds(output, ended))
    ended = train(f"refit={pooled_id}", f"output={output}")
    assert ended.code == 0, ended.err
    return Folds(output, ended)


def pooled_of(folds: Folds) -> str:
    """A run as if two folds like this one were pooled: three trainings take long."""
    (fold,) = folds.runs("member")
    tags = {"role": "pooled", "folds": f"{fold.info.run_id} {fold.info.run_id}"}
    run_id = folds.client.create_run(fold.info.experiment_id, tags=tags).info.run_id
    for name, value in fold.data.metrics.items():
        folds.client.log_metric(run_id, name, value)
    path = folds.client.download_artifacts(fold.info.run_id, "predictions/test.npz")
    folds.client.log_artifact(run_id, path, "predictions")
    folds.client.set_terminated(run_id, "FINISHED")
    return run_id


@pytest.mark.slow
def test_a_whole_cross_validation_becomes_one_model(train, empty_store, tmp_path):
    shutil.copy(empty_store, tmp_path)
    words = ("sweep=folds", "data.folds=3", "data.fold=range(3)")
    ended = train(*words, *DEMO, *BAG, "model.C=3", f"output={tmp_path}")
    assert ended.code == 0, ended.err
    (pooled,) = Folds(tmp_path, ended).runs("pooled")
    ended = train(f"refit={pooled.info.run_id}", f"output={tmp_path}")
    assert ended.code == 0, ended.err
    about = anomaly.load(Path(ended.said("results"))).about
    assert about.evidence.startswith(f"{IMAGES} images, each judged by one of 3 models that were")
    assert len(about.outcomes) == IMAGES
    assert of_test(about.figures) == of_test(pooled.data.metrics)


def of_test(figures: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if name.startswith("test/")}


def test_it_is_a_run_of_its_own_role_with_the_settings_of_the_folds(folds):
    (refit, *_), members = folds.runs("refit"), folds.runs("member")
    fold = next(run for run in members if "kind" in run.data.tags)  # not one of another test
    assert refit.info.status == "FINISHED"
    assert refit.data.tags["kind"] == fold.data.tags["kind"]
    apart = {"data.folds", "data.fold", "refit"}
    ours, theirs = (
        {key: value for key, value in run.data.params.items() if key not in apart}
        for run in (refit, fold)
    )
    assert ours == theirs and ours["model.C"] == "3"


def test_it_learns_from_every_image_that_does_not_choose(folds):
    with (folds.folder / "split.csv").open(newline="") as file:
        parts = Counter(row["part"] for row in csv.DictReader(file))
    assert set(parts) == {"train", "validate"} and sum(parts.values()) == IMAGES
    assert parts["train"] > parts["validate"] > 0


def test_its_figures_of_test_are_those_of_the_pooled_folds(folds):
    (refit, *_), (pooled,) = folds.runs("refit"), folds.runs("pooled")
    figures = of_test(refit.data.metrics)
    assert figures == of_test(pooled.data.metrics)
    assert f"reported on the test part of run {pooled.info.run_id}" in folds.ended.out
    assert f"{figures['test/accuracy']:.3f}" in folds.ended.out


def test_its_bundle_carries_the_evidence(folds):
    (pooled,) = folds.runs("pooled")
    path = folds.client.download_artifacts(pooled.info.run_id, "predictions/test.npz")
    predicted = read_predictions(Path(path))
    about = anomaly.load(folds.folder).about
    assert about.evidence == (
        f"{len(predicted.ids)} images, each judged by one of 2 models that were trained like this one"
        f" without it (run {pooled.info.run_id}); this one learned from more images"
    )
    assert about.evidence in (folds.folder / "model" / "data" / "MODEL_CARD.md").read_text()
    named = (predicted.classes[label] for label in predicted.labels)
    assert about.outcomes == {
        id: id.split("/")[1] == name for id, name in zip(predicted.ids, named, strict=True)
    }
    assert of_test(about.figures) == of_test(pooled.data.metrics)


def test_it_can_be_promoted_and_inspects(folds, tmp_path, capsys):
    (refit, *_) = folds.runs("refit")
    assert main(["promote", refit.info.run_id, "champion", "--output", str(folds.output)]) == 0
    assert "images, each judged by one of 2 models" in capsys.readouterr().out
    photo = next((folds.output / "demo" / "demo").glob("t*/*/*.png"))
    words = ["demo@champion", str(photo), "--output", str(folds.output), "--out", str(tmp_path)]
    assert main(["inspect", *words]) == 0


@pytest.mark.slow
def test_a_single_run_is_refitted_with_its_test_part_as_evidence(folds, train, tmp_path):
    fold = next(run for run in folds.runs("member") if "kind" in run.data.tags)
    ended = train(f"refit={fold.info.run_id}", f"output={folds.output}")
    assert ended.code == 0, ended.err
    about = anomaly.load(Path(ended.said("results"))).about
    count = int(fold.data.metrics["test/accuracy_count"])
    assert about.evidence.startswith(f"{count} images that a model trained like this one did not")
    assert about.figures["test/accuracy"] == fold.data.metrics["test/accuracy"]


def test_a_run_of_a_search_keeps_its_model_and_is_trained_once(
    folds, train, without_tensorflow, tmp_path
):
    """Its sweep=NAME says more than what varies."""
    experiment = folds.runs("member")[0].info.experiment_id
    run_id = folds.client.create_run(experiment, tags={"role": "member"}).info.run_id
    words = ["sweep=search_mask_rcnn", "trainer.learning_rate=0.001", "data.folds=4", "data.fold=2"]
    (tmp_path / "overrides.yaml").write_text("".join(f"- {word}\n" for word in words))
    folds.client.log_artifact(run_id, str(tmp_path / "overrides.yaml"), ".hydra")
    folds.client.set_terminated(run_id, "FINISHED")
    typed = (f"refit={run_id}", f"output={folds.output}", "--cfg", "all")
    ended = train(*typed, **without_tensorflow)
    assert ended.code == 0, ended.err
    config = yaml.safe_load(ended.out)
    assert config["model"]["_target_"] == "anomaly.model.mask_rcnn.build"
    assert config["hydra"]["mode"] == "RUN"
    assert config["trainer"]["learning_rate"] == 0.001
    assert (config["data"]["folds"], config["data"]["fold"]) == (None, 0)


# === Refused ===


@pytest.fixture
def refused(folds, train, without_tensorflow):
    """refused(word, ...) is the sentence with which train.py ends, before TensorFlow is loaded."""

    def run(*words: str, output: Path | None = None) -> str:
        before = folds.client.search_runs([folds.runs("pooled")[0].info.experiment_id])
        ended = train(*words, f"output={output or folds.output}", **without_tensorflow)
        assert ended.code == 1 and "Traceback" not in ended.err
        (sentence,) = (line for line in ended.err.splitlines() if line.startswith("error: "))
        after = folds.client.search_runs([folds.runs("pooled")[0].info.experiment_id])
        assert len(after) == len(before)
        return sentence

    return run


def test_an_unknown_run_is_a_sentence(refused):
    assert f"run {'0' * 32} was not found" in refused(f"refit={'0' * 32}")
    assert "was not found" in refused("refit=latest,other")


def test_other_settings_are_a_sentence(refused, folds):
    (pooled,) = folds.runs("pooled")
    sentence = refused(f"refit={pooled.info.run_id}", "model.C=1", "seed=7")
    assert "takes its settings from that run" in sentence
    assert "leave out model.C, seed" in sentence


def test_a_refitted_run_is_a_sentence(refused, folds):
    (refit, *_) = folds.runs("refit")
    assert "is itself refitted" in refused(f"refit={refit.info.run_id}")


def test_a_run_that_failed_or_was_deleted_is_a_sentence(refused, folds):
    experiment = folds.runs("member")[0].info.experiment_id
    run_id = folds.client.create_run(experiment, tags={"role": "member"}).info.run_id
    folds.client.set_terminated(run_id, "FAILED")
    assert "has not finished" in refused(f"refit={run_id}")
    folds.client.set_terminated(run_id, "FINISHED")
    folds.client.delete_run(run_id)
    assert "deleted" in refused(f"refit={run_id}")
    folds.client.restore_run(run_id)


def test_an_ensemble_is_a_sentence(refused, folds):
    ids = ",".join(run.info.run_id for run in folds.runs("member"))
    (pooled,) = folds.runs("pooled")
    experiment = pooled.info.experiment_id
    made = folds.client.create_run(experiment, tags={"role": "ensemble", "members": ids})
    folds.client.set_terminated(made.info.run_id, "FINISHED")
    assert "is an ensemble: refit its members" in refused(f"refit={made.info.run_id}")
