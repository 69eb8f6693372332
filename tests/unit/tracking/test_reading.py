"""Reading creates nothing and returns every recorded run."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from mlflow import MlflowClient

from anomaly.errors import InputError
from anomaly.tracking import read
from anomaly.tracking.find import finished_runs
from anomaly.tracking.read import all_finished, files, reader
from anomaly.tracking.store import store_at

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def client(output) -> MlflowClient:
    """A store with three finished runs of two experiments, and one that is running."""
    for name in ("demo", "bottle"):
        client, experiment = store_at(output).connect(name)
        for number in range(2):
            run = client.create_run(experiment, start_time=number)
            if (name, number) != ("demo", 1):
                client.set_terminated(run.info.run_id, "FINISHED")
    return client


def uri_of(path) -> str:
    return f"sqlite:///{path}"


def test_where_no_store_is_none_is_made(tmp_path):
    assert reader(uri_of(tmp_path / "deep" / "mlflow.db")) is None
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_or_another_database_stays_as_it_is(tmp_path):
    (tmp_path / "empty.db").touch()
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE studies (id)")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name in before:
        assert reader(uri_of(tmp_path / name)) is None
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_damaged_store_is_named(tmp_path):
    (tmp_path / "mlflow.db").write_text(
        "not a database, but text that is as long as one must be" * 9
    )
    with pytest.raises(InputError, match=r"cannot use the tracking store .*not a database"):
        reader(uri_of(tmp_path / "mlflow.db"))


def test_finished_runs_of_one_experiment_are_found_page_by_page(client, output, monkeypatch):
    monkeypatch.setattr(read, "PAGE", 1)
    assert len(finished_runs(store_at(output), "bottle", {})) == 2


def test_finished_runs_of_all_experiments_are_found_page_by_page(client, output, monkeypatch):
    monkeypatch.setattr(read, "PAGE", 2)
    runs = all_finished(reader(uri_of(output / "mlflow.db")))
    assert len(runs) == 3 and {run.info.status for run in runs} == {"FINISHED"}
    assert len({run.info.experiment_id for run in runs}) == 2


def test_a_store_that_dies_is_named():
    with pytest.raises(InputError, match=r"cannot use the tracking store http://127\.0\.0\.1:9"):
        all_finished(reader("http://127.0.0.1:9"))


def test_wanted_files_that_the_run_has_can_be_read_for_a_while(client, tmp_path):
    run_id = all_finished(client)[0].info.run_id
    for name, place in (("split.csv", None), ("test.png", "plots"), ("val.png", "plots")):
        (tmp_path / name).write_text(name)
        client.log_artifact(run_id, str(tmp_path / name), place)
    with files(client, run_id, ("split.csv", "plots/test.png", "deep/none.npz")) as paths:
        read = {name: path.read_text() for name, path in paths.items()}
    assert read == {"split.csv": "split.csv", "plots/test.png": "test.png"}
    assert not any(path.exists() for path in paths.values())
