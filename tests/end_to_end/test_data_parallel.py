"""One training on two devices learns what it learns on one: JAX, on two virtual devices of a CPU."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from .conftest import DEMO, TINY
from .test_detector import SMALL

FINETUNE = (
    *DEMO,
    *TINY,
    *("model.dropout=0", "trainer=smoke", "trainer.epochs=1", "trainer.finetune.epochs=2"),
    *("trainer.finetune.batch_size=8", "trainer.finetune.steps_per_epoch=2"),
)
DETECTOR = (*SMALL, "trainer.epochs=2", "trainer.steps_per_epoch=2", "trainer.batch_size=4")
QUICK = "--xla_backend_optimization_level=0"
TWO = {"XLA_FLAGS": f"{QUICK} --xla_force_host_platform_device_count=2"}


def curves(folder: Path) -> dict[tuple[int, str], float]:
    with (folder / "epochs.csv").open(newline="") as file:
        return {(int(e), name): float(value) for _, e, name, value in csv.reader(file)}


@pytest.mark.slow  # JAX compiles each network twice, for a minute and more
@pytest.mark.parametrize(
    "command",
    [pytest.param(FINETUNE, id="classifier"), pytest.param(DETECTOR, id="mask_rcnn")],
)
def test_two_devices_learn_what_one_does(command, train, tmp_path):
    folders = []
    for name, flags in (("none", {"XLA_FLAGS": QUICK}), ("data_parallel", TWO)):
        words = (*command, f"trainer.distribution={name}", f"output={tmp_path / name}")
        ended = train(*words, KERAS_BACKEND="jax", **flags)
        assert ended.code == 0, ended.err
        folders.append(Path(ended.said("results")))
    one, two = map(curves, folders)
    assert one.keys() == two.keys()
    losses = [key for key in one if "accuracy" not in key[1] and "map" not in key[1]]
    assert all(map(math.isfinite, (*one.values(), *two.values())))
    worst = max(abs(one[key] - two[key]) / max(abs(one[key]), 1e-6) for key in losses)
    print(f"largest relative difference {worst:.1e}")
    assert worst < 1e-3


def test_what_cannot_be_divided_or_distributed_is_refused(train, tmp_path):
    words = (*FINETUNE, "trainer.distribution=data_parallel", f"output={tmp_path}")
    ended = train(*words)
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith("error: trainer.distribution=data_parallel needs")
    ended = train(*words, "trainer.finetune.batch_size=7", KERAS_BACKEND="jax", **TWO)
    assert ended.code == 1
    assert "trainer.finetune.batch_size=7 cannot be divided among 2 devices" in ended.err


@pytest.mark.slow  # without a GPU, XLA compiles for a minute and more
@pytest.mark.parametrize(
    "command",
    [
        pytest.param((*DEMO, *TINY, "trainer=gpu"), id="classifier"),
        pytest.param((*SMALL, "trainer=detector_gpu"), id="mask_rcnn"),
    ],
)
def test_the_trainers_for_a_gpu_run_on_a_cpu_too(command, train, tmp_path):
    few = ("trainer.epochs=1", "trainer.batch_size=4", "trainer.finetune.epochs=1")
    ended = train(*command, *few, "trainer.finetune.batch_size=4", f"output={tmp_path}")
    assert ended.code == 0, ended.err
    figures = curves(Path(ended.said("results")))
    assert {epoch for epoch, _ in figures} == {0, 1}
    assert all(math.isfinite(value) for value in figures.values())
