"""Trainings of classifiers that are killed or told to end, and go on with the same command."""

from __future__ import annotations

import csv
import json
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from .conftest import DEMO, TINY

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

HEAD = (*DEMO, *TINY, "trainer=smoke", "trainer.epochs=4000", "trainer.finetune.epochs=0")
WHOLE = (*DEMO, *TINY, "trainer=smoke", "trainer.epochs=2", "trainer.finetune.epochs=20")


def curves(folder: Path) -> list[tuple[str, str, str]]:
    with (folder / "epochs.csv").open(newline="") as file:
        return sorted((epoch, name, value) for _, epoch, name, value in csv.reader(file))


def scores(folder: Path) -> dict:
    return json.loads((folder / "scores.json").read_text())


@pytest.fixture(scope="module")
def undisturbed(train, empty_store, tmp_path_factory):
    """undisturbed(command) is the folder of that run, made once."""
    made: dict[tuple, Path] = {}

    def run(command: tuple[str, ...]) -> Path:
        if command not in made:
            output = tmp_path_factory.mktemp("whole")
            shutil.copy(empty_store, output)
            ended = train(*command, f"output={output}")
            assert ended.code == 0, ended.err
            made[command] = Path(ended.said("results"))
        return made[command]

    return run


@pytest.mark.parametrize(
    ("command", "number"),
    [
        pytest.param(WHOLE, signal.SIGTERM, id="finetune-terminated"),
        # The head's first checkpoint is written after seconds.
        pytest.param(HEAD, signal.SIGTERM, id="head-terminated", marks=pytest.mark.slow),
        pytest.param(WHOLE, signal.SIGKILL, id="finetune-killed", marks=pytest.mark.slow),
    ],
)
def test_cut_off_the_same_command_goes_on_to_the_same_end(
    command, number, undisturbed, start, until, train, fresh_output
):
    want = undisturbed(command)
    process = start("train.py", *command, f"output={fresh_output}")
    until(lambda: list(fresh_output.glob("checkpoints/*.npz")), process)
    began = time.monotonic()
    process.child.send_signal(number)
    ended = process.ended()
    (folder,) = fresh_output.glob("runs/*")
    if number == signal.SIGTERM:
        assert time.monotonic() - began < 10
        assert ended.code == 143 and "Traceback" not in ended.err
        sentence = "error: stopped by SIGTERM; the same command goes on from its last checkpoint"
        assert ended.err.endswith(sentence + "\n")
        record = json.loads((folder / "run.json").read_text())
        run = MlflowClient(f"sqlite:///{fresh_output}/mlflow.db").get_run(record["run_id"])
        assert run.info.status == record["status"] == "KILLED"
    assert not (folder / "scores.json").exists()
    again = train(*command, f"output={fresh_output}")
    assert again.code == 0, again.err
    assert int(re.findall(r"continuing after epoch (\d+)", again.out)[-1]) > 0
    own = Path(again.said("results"))
    assert scores(own) == scores(want)
    assert curves(own) == curves(want)
    assert not list(fresh_output.glob("checkpoints/*"))
