"""The best settings of a search, as a file that Hydra reads and a command that a shell reads."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from anomaly.config.parse import register
from anomaly.sweep import best
from anomaly.sweep.plan import Child

CONF = Path(__file__).parents[3] / "conf"


@pytest.fixture
def best_of(tmp_path):
    """best_of(*overrides) writes the experiment of that one job; returns the file."""

    def write(*overrides: str) -> Path:
        child = Child(overrides)
        child.end("done", "id", {"val/accuracy": 0.5})
        best.write(tmp_path, [child], "val/accuracy", overrides)
        return tmp_path / "experiment" / "best.yaml"

    return write


def composed(file: Path):
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        path = f"hydra.searchpath=[file://{file.parent.parent}]"
        return compose("config", [path, "experiment=best", "data.root=r", "data.category=c"])


def test_options_and_values_come_back_and_places_stay_out(best_of):
    file = best_of(
        "sweep=search", "data.root=/x", "augment=strong", "model=resnet50", "trainer.epochs=7"
    )
    cfg = composed(file)
    assert "strong" in cfg.augment._target_ and cfg.trainer.epochs == 7
    assert cfg.backbone._target_ == "anomaly.backbone.resnet50.build"
    assert "/x" not in file.read_text().split("\n", 2)[2]


def test_it_may_build_on_the_experiment_that_was_searched_in(best_of):
    file = best_of("experiment=classic_mobilenetv2", "model.dropout=0.31")
    cfg = composed(file)
    assert cfg.model.dropout == 0.31 and cfg.trainer.epochs == 2300


def test_the_printed_commands_survive_a_shell(best_of, capsys):
    best_of("output=/my out", "model.pooling=[avg,max]")
    typed, file = (line.split(maxsplit=2)[2] for line in capsys.readouterr().out.splitlines())
    assert shlex.split(typed) == ["python", "train.py", "output=/my out", "model.pooling=[avg,max]"]
    assert "output=/my out" in shlex.split(file)
