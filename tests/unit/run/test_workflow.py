"""What a run says at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from anomaly.config.paths import INSTALLED
from anomaly.run.workflow import _ui
from anomaly.tracking.store import Store

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "output, command",
    [
        (REPOSITORY / "outputs", "make ui"),
        (Path("/data/out"), "make ui OUTPUT=/data/out"),
        (Path("/data/my out"), "make ui OUTPUT='/data/my out'"),
    ],
)
def test_make_ui_is_told_the_output_folder_unless_it_is_the_usual_one(output, command):
    uri = f"sqlite:///{output}/mlflow.db"
    shown = f"'{uri}'" if " " in uri else uri
    assert _ui(Store(uri, output)) == f"{command} (mlflow ui --backend-store-uri {shown})"


def test_make_ui_is_not_named_where_the_runs_are_not_in_the_output_folder():
    assert _ui(Store("http://server:5000", Path("/data"))) == "http://server:5000"
    elsewhere = "sqlite:////store/mlflow.db"
    assert _ui(Store(elsewhere, Path("/data"))) == f"mlflow ui --backend-store-uri {elsewhere}"


def test_the_installed_package_names_its_command(monkeypatch):
    monkeypatch.setattr("anomaly.run.workflow.CONF", INSTALLED)
    store = Store("sqlite:////data/my out/mlflow.db", Path("/data/my out"))
    assert _ui(store) == "anomaly ui --output '/data/my out'"
