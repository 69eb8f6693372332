"""Mistakes on the real command line: one clear sentence, exit code 1, no traceback, at once.

tests/end_to_end/test_bad_input.py has many more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = Path(__file__).parents[2] / "train.py"


def answer(*arguments: object, cwd: Path | None = None) -> str:
    """What train.py says of a mistaken command line."""
    command = [sys.executable, str(TRAIN), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd or TRAIN.parent, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "mistake, words",
    {
        "model=mobilnetv2": "model=mobilnetv2 is not known; did you mean mobilenetv2? (one of",
        "trainer.epochs=many": "trainer.epochs must be a whole number, got many",
        "model.image_size=20": "model.image_size must be a whole number from 32 to 4096, got 20",
        "++model.vews=3": "model.vews is not known to this model; did you mean model.views?",
        "data._target_=os.system": "data._target_ may only name a build of anomaly.data, got os.s",
        "data.category": "data.category",
    }.items(),
)
def test_a_mistake_is_answered_with_one_sentence(mistake, words, tmp_path):
    said = answer(mistake, f"output={tmp_path}")
    assert words in said
    assert len(said.splitlines()) == 1


def test_all_mistakes_in_values_are_named_at_once(tmp_path):
    said = answer("trainer.batch_size=0", "seed=-1", "model.dropout=2", f"output={tmp_path}")
    assert all(key in said for key in ("trainer.batch_size", "seed must", "model.dropout must"))


def test_a_missing_folder_is_named_before_tensorflow_loads(tmp_path):
    (tmp_path / "sets" / "parts").mkdir(parents=True)
    root = tmp_path / "sets" / "prts"
    said = answer(f"data.root={root}", f"output={tmp_path}/out")
    assert f"data.root={root} is not a folder; {root.parent} holds: parts" in said


def test_the_entrypoint_may_be_called_from_python(tmp_path):
    code = "from anomaly.run.train import main; main(['data.categry=x', '-m', 'seed=0,1'])"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(TRAIN.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and not list(tmp_path.iterdir())
    assert done.stderr == "error: data.categry is not a known key; did you mean data.category?\n"


def test_a_typo_is_explained_from_any_working_directory(tmp_path):
    assert "did you mean data.category?" in answer("data.categry=x", cwd=tmp_path)


def test_a_module_of_the_slot_without_a_build_is_refused_too(tmp_path):
    said = answer("data._target_=anomaly.cache.store.build", f"output={tmp_path}")
    assert "data._target_ may only name a build of anomaly.data" in said


@pytest.mark.parametrize("flag", ["-m", "--multirun"])
def test_the_flag_of_a_sweep_may_stand_between_overrides(flag, tmp_path):
    said = answer("seed=1", flag, "seed=-1,2", f"data.root={tmp_path}", f"output={tmp_path}")
    assert "seed must be between 0 and 4294967295, got -1" in said
