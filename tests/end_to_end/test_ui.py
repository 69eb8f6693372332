"""MLflow's UI on the runs of an output folder."""

from __future__ import annotations

import json
import re
import shutil
import socket
import urllib.error
import urllib.request

import pytest

from anomaly.tracking.run import start as start_run
from anomaly.tracking.store import store_at

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

UI = ("anomaly.tracking.ui", "--output")


@pytest.fixture(scope="module")
def output(tmp_path_factory, empty_store):
    """An output folder with one run, whose name needs quoting in addresses."""
    output = tmp_path_factory.mktemp("outputs") / "a?b%2F"
    folder = output / "runs" / "1"
    folder.mkdir(parents=True)
    shutil.copy(empty_store, output)
    names = {"experiment": "bottle", "name": "tiny", "params": {}, "tags": {}}
    with start_run(store_at(output), folder, **names) as tracker:
        tracker.finish({"val/accuracy": 0.5})
    return output


def test_the_printed_page_shows_the_experiment_with_its_runs(output, start, until, free_port):
    process = start("-m", *UI, output, "--port", free_port)

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/health", timeout=5) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False

    until(answers, process)
    (page,) = re.findall(r"^bottle +(http://\S+)$", process.files[0].read_text(), re.MULTILINE)
    server, experiment = re.match(r"(http://[\w.:]+)/#/experiments/(\d+)/runs\?", page).groups()
    query = json.dumps({"experiment_ids": [experiment]}).encode()
    request = urllib.request.Request(
        f"{server}/api/2.0/mlflow/runs/search", query, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        (run,) = json.load(reply)["runs"]
    assert run["info"]["run_name"] == "tiny"
    process.kill()


def test_a_folder_without_runs_is_named_and_stays_empty(command, tmp_path):
    ended = command(*UI, tmp_path)
    assert ended.code == 1
    assert ended.err.startswith(f"error: no run in sqlite:///{tmp_path}/mlflow.db; record one with")
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_used_is_named(output, command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = command(*UI, output, "--port", port)
    assert ended.code == 1 and ended.out == ""
    assert ended.err.startswith(f"error: port {port} cannot be used: Address already in use;")
