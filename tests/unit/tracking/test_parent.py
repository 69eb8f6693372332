"""The run of a sweep in a real store."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from mlflow import MlflowClient

from anomaly.runtime import process
from anomaly.tracking.parent import Parent

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")


@pytest.fixture
def parent(tmp_path) -> Parent:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    return Parent(uri, tmp_path, "demo", "demo-sweep", {"role": "sweep", "jobs": "a"})


def job(parent: Parent, of: str) -> str:
    """A job under way in that process; its id."""
    tags = {"mlflow.parentRunId": parent.run_id, "process": of}
    return parent.client.create_run(parent.experiment, tags=tags).info.run_id


def status(parent: Parent, run_id: str) -> str:
    return parent.client.get_run(run_id).info.status


def test_the_same_jobs_go_on_with_their_run_and_others_have_one_of_their_own(parent, tmp_path):
    again = Parent(parent.uri, tmp_path, "demo", "again", {"role": "sweep", "jobs": "a"})
    other = Parent(parent.uri, tmp_path, "demo", "other", {"role": "sweep", "jobs": "b"})
    assert again.run_id == parent.run_id != other.run_id


def test_a_description_longer_than_mlflow_takes_is_cut(parent, tmp_path):
    folder = tmp_path / "sweep"
    (folder / "0").mkdir(parents=True)
    (folder / "0" / "large.npz").write_bytes(b"of the job")
    (folder / "sweep.csv").write_text("whole")
    parent.close(folder, {"val/accuracy": 0.5}, {"mlflow.note.content": "x" * 50000}, "FINISHED")
    run = MlflowClient(parent.uri).get_run(parent.run_id)
    assert run.info.status == "FINISHED" and run.data.metrics == {"val/accuracy": 0.5}
    assert 7000 < len(run.data.tags["mlflow.note.content"]) <= 8000
    assert [a.path for a in parent.client.list_artifacts(parent.run_id)] == ["sweep.csv"]


def test_jobs_of_dead_processes_are_killed_and_those_of_living_ones_go_on(parent):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           capture_output=True, text=True, check=True)  # fmt: skip
    host = process.this().rpartition(":")[0]
    dead = job(parent, f"{host}:{ended.stdout.strip()}")
    own, parents = job(parent, process.this()), job(parent, f"{host}:{os.getppid()}")
    elsewhere = job(parent, "another.host:1")
    parent.end_orphans()
    assert [status(parent, run) for run in (dead, own, parents, elsewhere)] == [
        "KILLED", "RUNNING", "RUNNING", "RUNNING"
    ]  # fmt: skip
    parent.end_jobs()
    assert [status(parent, run) for run in (own, parents)] == ["KILLED", "RUNNING"]
