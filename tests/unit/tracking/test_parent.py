"""The run of a sweep in a real store."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from mlflow import MlflowClient

from anomaly.runtime import process
from anomaly.tracking.parent import Parent
from anomaly.tracking.store import store_at

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")


@pytest.fixture
def parent(tmp_path) -> Parent:
    tags = {"role": "sweep", "jobs": "a"}
    return Parent(store_at(tmp_path), "demo", "demo-sweep", tags)


def job(parent: Parent, owner: str) -> str:
    """The id of a job that runs in the process `owner`."""
    tags = {"mlflow.parentRunId": parent.run_id, "process": owner}
    return parent.client.create_run(parent.experiment, tags=tags).info.run_id


def status(parent: Parent, run_id: str) -> str:
    return parent.client.get_run(run_id).info.status


def test_a_sweep_of_the_same_jobs_continues_its_run_and_one_of_others_begins_another(parent):
    again = Parent(parent.store, "demo", "again", {"role": "sweep", "jobs": "a"})
    other = Parent(parent.store, "demo", "other", {"role": "sweep", "jobs": "b"})
    assert again.run_id == parent.run_id != other.run_id


def test_a_description_longer_than_mlflow_takes_is_cut(parent, tmp_path):
    folder = tmp_path / "sweep"
    (folder / "0").mkdir(parents=True)
    (folder / "0" / "large.npz").write_bytes(b"of the job")
    (folder / "sweep.csv").write_text("whole")
    parent.close(folder, {"val/accuracy": 0.5}, {"mlflow.note.content": "x" * 50000}, "FINISHED")
    run = MlflowClient(parent.store.uri).get_run(parent.run_id)
    assert run.info.status == "FINISHED" and run.data.metrics == {"val/accuracy": 0.5}
    assert 7000 < len(run.data.tags["mlflow.note.content"]) <= 8000
    assert [a.path for a in parent.client.list_artifacts(parent.run_id)] == ["sweep.csv"]


def test_jobs_of_dead_processes_are_killed_and_those_of_living_ones_go_on(parent):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           capture_output=True, text=True, check=True)  # fmt: skip
    host = process.this().rpartition(":")[0]
    dead = job(parent, f"{host}:{ended.stdout.strip()}")
    mine, parents = job(parent, process.this()), job(parent, f"{host}:{os.getppid()}")
    elsewhere = job(parent, "another.host:1")
    parent.end_orphans()
    assert [status(parent, run) for run in (dead, mine, parents, elsewhere)] == [
        "KILLED", "RUNNING", "RUNNING", "RUNNING"
    ]  # fmt: skip
    parent.end_jobs()
    assert [status(parent, run) for run in (mine, parents)] == ["KILLED", "RUNNING"]
