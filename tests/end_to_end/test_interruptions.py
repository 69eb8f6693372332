"""Runs that are interrupted: by their user, by a dying server, and by one another."""

from __future__ import annotations

import csv
import json
import re
import shlex
import signal
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from anomaly.tracking.store import store_at

from .conftest import DEMO, TINY, Process

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

ENDLESS = ("trainer=smoke", "trainer.epochs=1000000", "model.units=16")
BRIEF = ("trainer=smoke", "trainer.epochs=40", "trainer.finetune.epochs=0", "model.units=16")


class Server:
    """An MLflow server that can be killed and started again, with all that it knew."""

    def __init__(self, start, until, folder: Path, port: int) -> None:
        self.start, self.until = start, until
        self.uri = f"http://127.0.0.1:{port}"
        self.command = [
            *("-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", 1),
            *("--backend-store-uri", f"sqlite:///{folder}/server.db"),
            *("--artifacts-destination", folder / "artifacts"),
        ]
        self.process: Process | None = None

    def run(self) -> None:
        """Start it, and wait until it answers."""
        self.process = self.start(*self.command, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
        self.until(self.answers, self.process)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        self.process.kill()


@pytest.fixture(scope="module")
def server(start, until, free_port, tmp_path_factory) -> Iterator[Server]:
    server = Server(start, until, tmp_path_factory.mktemp("server"), free_port)
    server.run()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture
def training(start, until, server, output) -> tuple[Process, Path]:
    """training(...): a run that has learned for some epochs, and its folder."""

    def begin(*length: str) -> tuple[Process, Path]:
        before = set(output.glob("runs/*"))
        process = start(
            "train.py", *DEMO, *TINY, *length, f"output={output}", f"tracking.uri={server.uri}"
        )
        until(lambda: any(len(epochs(folder)) > 3 for folder in runs() - before), process)
        (folder,) = runs() - before
        return process, folder

    def runs() -> set[Path]:
        return set(output.glob("runs/*"))

    return begin


def epochs(folder: Path) -> list[tuple[int, float]]:
    """(epoch, loss) as the run left them on disk."""
    path = folder / "epochs.csv"
    rows = csv.reader(path.read_text().splitlines()) if path.is_file() else []
    return [(int(row[1]), float(row[3])) for row in rows if row[2] == "loss"]


def record(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def curve(client: MlflowClient, run_id: str) -> list[tuple[int, float]]:
    """(epoch, loss) as MLflow has them."""
    return sorted((m.step, m.value) for m in client.get_metric_history(run_id, "epoch/loss"))


def test_ctrl_c_ends_the_run_as_killed_with_one_line(training, server):
    process, folder = training(*ENDLESS)
    process.child.send_signal(signal.SIGINT)
    ended = process.ended()
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert ended.err.count("error:") == 1 and ended.err.endswith("error: stopped by Ctrl-C\n")
    client, run_id = MlflowClient(server.uri), record(folder)["run_id"]
    assert client.get_run(run_id).info.status == record(folder)["status"] == "KILLED"
    assert curve(client, run_id) == epochs(folder)


def test_ctrl_c_while_the_store_is_made_leaves_none_half_made(start, until, output):
    new = output / "new"
    process = start("train.py", *DEMO, *TINY, f"output={new}")
    until(lambda: any(new.glob("mlflow.db*")), process)
    process.child.send_signal(signal.SIGINT)
    assert process.ended().code == 130
    client, experiment = store_at(new).connect("demo")
    assert client.get_experiment(experiment).name == "demo"


# Only Linux shows from outside that a process is in the middle of loading a library.
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="sees what is loaded in /proc")
def test_ctrl_c_while_tensorflow_loads_ends_with_one_line_too(start, until, server, output):
    process = start("train.py", *DEMO, *TINY, f"output={output}", f"tracking.uri={server.uri}")
    loaded = Path(f"/proc/{process.child.pid}/maps")
    until(lambda: "libtensorflow" in loaded.read_text(), process)
    process.child.send_signal(signal.SIGINT)
    ended = process.ended()
    assert (ended.code, ended.err) == (130, "error: stopped by Ctrl-C\n")


def test_a_server_that_dies_during_training_costs_nothing(training, command, server):
    process, folder = training(*BRIEF)
    server.kill()
    ended = process.ended()
    assert ended.code == 1
    assert "Traceback" not in ended.err
    sentence = ended.err[ended.err.index("error: ") :]
    assert sentence == (
        f"error: the tracking store {server.uri} does not answer; nothing is lost: all results are"
        f" in {folder}; when it is back, log them with\n  python -m anomaly.tracking {folder}\n"
    )

    server.run()
    python, m, *words = shlex.split(sentence.splitlines()[-1])  # as the user would copy it
    assert (python, m) == ("python", "-m")
    for _ in range(2):  # twice does no harm
        sent = command(*words)
        assert sent.code == 0, sent.err
        (run_id,) = re.findall(r"logged as run (\w+)", sent.out)
    client = MlflowClient(server.uri)
    run = client.get_run(run_id)
    assert run_id == record(folder)["run_id"] and run.info.status == "FINISHED"
    scores = json.loads((folder / "scores.json").read_text())
    assert len(scores) > 50
    assert {k: v for k, v in run.data.metrics.items() if not k.startswith("epoch/")} == scores
    assert curve(client, run_id) == epochs(folder)
    assert [epoch for epoch, _ in epochs(folder)] == list(range(40))
    assert run.data.params["trainer.epochs"] == "40" and run.data.tags["role"] == "member"
    kept = Path(client.download_artifacts(run_id, ""))
    assert contents(kept) == contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_four_processes_that_meet_a_new_store_together_all_find_it(start, tmp_path):
    program = (
        "import sys; from pathlib import Path; from anomaly.tracking.store import store_at;"
        " print(store_at(Path(sys.argv[1])).connect('demo')[1])"
    )
    together = [start("-c", program, tmp_path) for _ in range(4)]
    ended = [process.ended() for process in together]
    assert [one.code for one in ended] == [0] * 4, "\n".join(one.err for one in ended)
    assert len({one.out for one in ended}) == 1
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        found = database.execute("SELECT name FROM experiments WHERE name = 'demo'").fetchall()
    assert found == [("demo",)]
