"""A store in folders of any name, with a real MLflow."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy

from anomaly.tracking.address import sqlite_address, sqlite_file
from anomaly.tracking.find import finished_runs, run_of
from anomaly.tracking.read import files, reader
from anomaly.tracking.run import start
from anomaly.tracking.sending import send
from anomaly.tracking.store import Store, store_at

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

NAMES = ["a?b", "a%2Fb", "a#b", "a{b}", "my größer's (1) & x"]


@pytest.mark.parametrize("name", NAMES)
def test_sqlalchemy_reads_an_address_as_the_file_that_it_was_made_of(name):
    file = Path("/data") / name / "mlflow.db"
    address = sqlite_address(file)
    assert sqlalchemy.make_url(address).database == str(file)
    assert sqlite_file(address) == file


def test_an_ordinary_path_is_readable_in_its_address():
    assert sqlite_address(Path("/my data/größer/x.db")) == "sqlite:////my data/größer/x.db"


def recorded(store: Store, folder: Path) -> str:
    """The id of a finished run with one file."""
    folder.mkdir(parents=True)
    (folder / "split.csv").write_text("a")
    with start(store, folder, experiment="demo", name="x", params={}, tags={"k": "v"}) as tracker:
        tracker.finish({"val/accuracy": 0.5})
    return tracker.record.run_id


@pytest.mark.parametrize("name", NAMES)
def test_runs_are_recorded_and_read_in_an_output_folder_of_any_name(name, tmp_path):
    output = tmp_path / name
    store = store_at(output)
    run_id = recorded(store, output / "runs" / "1")
    assert [run.info.run_id for run in finished_runs(store, "demo", {"k": "v"})] == [run_id]
    assert run_of(store, run_id).data.metrics == {"val/accuracy": 0.5}
    with files(reader(store.uri), run_id, ["split.csv"]) as paths:
        assert paths["split.csv"].read_text() == "a"
    assert send(output / "runs" / "1") == run_id
    assert [path.name for path in tmp_path.iterdir()] == [name]  # and no other folder is made
    assert {path.name for path in output.iterdir()} >= {"mlflow.db", "artifacts", "runs"}
