"""Mask R-CNN on the real command line: learned, killed and gone on, and a voice among others."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from .conftest import BAG, DEMO

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

SMALL = (
    *("experiment=demo_mask_rcnn", *DEMO, "data.images=6", "model.image_size=64"),
    *("backbone.width=8", "model.channels=16", "model.units=32", "model.proposals=30"),
    *("model.proposals_per_level=50", "model.rois_per_image=32", "model.mask_rois=8"),
    *("model.validate_every=2", "trainer.epochs=4"),
)
SIX = [f"{part}/{name}" for part in ("val", "test") for name in ("accuracy", "iou", "map")]
LOSSES = {"loss", "proposal_class", "proposal_box", "class", "box", "mask"}


@pytest.fixture(scope="module")
def output(tmp_path_factory, empty_store) -> Path:
    output = tmp_path_factory.mktemp("outputs")
    shutil.copy(empty_store, output)
    return output


@pytest.fixture(scope="module")
def folder(train, output) -> Path:
    """What a training left that nothing interrupted."""
    ended = train(*SMALL, f"output={output}")
    assert ended.code == 0, ended.err
    return Path(ended.said("results"))


def scores_of(folder: Path) -> dict[str, float]:
    return json.loads((folder / "scores.json").read_text())


def epochs_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
    curves: dict[str, list[tuple[int, float]]] = {}
    with (folder / "epochs.csv").open(newline="") as file:
        for _, epoch, name, value in csv.reader(file):
            curves.setdefault(name, []).append((int(epoch), float(value)))
    return curves


def test_all_losses_and_validation_map_are_curves_and_the_losses_fall(folder):
    curves = epochs_of(folder)
    assert curves.keys() == {*LOSSES, "val_map"}
    assert [epoch for epoch, _ in curves["loss"]] == list(range(4))
    assert [epoch for epoch, _ in curves["val_map"]] == [1, 3]
    assert curves["loss"][-1][1] < curves["loss"][0][1]
    assert curves["loss"][-1][1] == pytest.approx(
        sum(curves[name][-1][1] for name in LOSSES - {"loss"}), rel=1e-4
    )


def test_the_run_is_in_mlflow_with_the_six_metrics_and_its_model(folder, output):
    client = MlflowClient(f"sqlite:///{output}/mlflow.db")
    experiment = client.get_experiment_by_name("demo").experiment_id
    (run,) = client.search_runs([experiment], "tags.kind = 'mask_rcnn-tiny'")
    assert all(run.data.metrics[name] == pytest.approx(scores_of(folder)[name]) for name in SIX)
    assert {a.path for a in client.list_artifacts(run.info.run_id, "model/data")} >= {
        "model/data/model.keras",
        "model/data/detector.json",
    }


def test_of_a_training_that_ended_no_checkpoint_is_left(folder, output):
    assert not list((output / "checkpoints").iterdir())


def killed_and_begun_again(start, until, train, output: Path, **env: str) -> Path:
    """The results of a training of which the first process was killed after an epoch or more."""
    command = ("train.py", *SMALL, f"output={output}")
    process = start(*command, **env)
    until(lambda: list(output.glob("checkpoints/*.npz")), process)
    process.kill()
    (killed,) = output.glob("runs/*")
    done = len(epochs_of(killed)["loss"]) if (killed / "epochs.csv").is_file() else 0
    assert done < 4
    ended = train(*command[1:], **env)
    assert ended.code == 0, ended.err
    assert "continuing after epoch" in ended.out + ended.err
    return Path(ended.said("results"))


@pytest.mark.slow  # test_resume holds the same of a classifier's fine-tuning
def test_killed_in_mid_training_the_same_command_goes_on_to_the_same_end(
    folder, start, until, train, fresh_output
):
    again = killed_and_begun_again(start, until, train, fresh_output)
    assert scores_of(again) == scores_of(folder)
    assert epochs_of(again) == epochs_of(folder)


@pytest.mark.slow
def test_on_jax_too(start, until, train, tmp_path):
    whole = train(*SMALL, f"output={tmp_path / 'whole'}", KERAS_BACKEND="jax")
    assert whole.code == 0, whole.err
    folder = Path(whole.said("results"))
    again = killed_and_begun_again(start, until, train, tmp_path / "killed", KERAS_BACKEND="jax")
    assert scores_of(again) == scores_of(folder)
    assert epochs_of(again) == epochs_of(folder)


def test_it_votes_with_a_classifier(folder, output, train):
    other = train(*DEMO, *BAG, "data.images=6", f"output={output}")
    assert other.code == 0, other.err
    ended = train(*DEMO, "data.images=6", "ensemble=soft_vote", f"output={output}")
    assert ended.code == 0, ended.err
    client = MlflowClient(f"sqlite:///{output}/mlflow.db")
    run = client.get_run(ended.said("run"))
    kinds = {client.get_run(m).data.tags["kind"] for m in run.data.tags["members"].split()}
    assert kinds == {"mask_rcnn-tiny", "bovw"}
    assert set(SIX) <= run.data.metrics.keys()
