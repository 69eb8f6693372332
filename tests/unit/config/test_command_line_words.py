"""The command line as people type it, and as Hydra reads it."""

from __future__ import annotations

import pytest

from anomaly.config.command_line import (
    for_hydra,
    output_folder,
    refuse_blank_folders,
    refuse_several_sweeps,
)
from anomaly.errors import InputError


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("a=1 -m b=2", "-m a=1 b=2"),
        ("a=1 --config-dir /x=y experiment=best ~b", "--config-dir /x=y a=1 experiment=best ~b"),
        ("a=1 --cfg job b=2", "--cfg job a=1 b=2"),
        ("-cn c a=1 -cd d b=2", "-cn c -cd d a=1 b=2"),
        ("sweep.launcher=submitit a=1", "hydra/launcher=submitit_slurm a=1"),
        (
            "sweep.launcher=joblib sweep.launcher.n_jobs=2",
            "hydra/launcher=joblib hydra.launcher.n_jobs=2",
        ),
        ("sweep=seeds seed=1", "sweep=seeds seed=1"),
    ],
)
def test_options_may_stand_between_overrides(typed, read):
    assert for_hydra(typed.split()) == read.split()


@pytest.mark.parametrize(
    ("typed", "folder"),
    [
        ("seed=1 -m", ("output", "")),
        ("output=/a seed=1", ("output", "/a")),
        ("output=/a +hydra.run.dir=/b=c", ("hydra.run.dir", "/b=c")),
    ],
)
def test_the_output_folder_is_the_last_one_typed(typed, folder):
    assert output_folder(typed.split()) == folder


@pytest.mark.parametrize(
    "typed", ["output=", "output=' '", '+hydra.run.dir=""', "hydra.sweep.dir="]
)
def test_a_folder_without_a_name_is_refused(typed):
    with pytest.raises(InputError, match="names no folder"):
        refuse_blank_folders(["seed=1", typed])


def test_two_sweeps_are_refused():
    refuse_several_sweeps(["-m", "sweep=seeds", "seed=0,1"])
    with pytest.raises(InputError, match="sweep=seeds,folds names several sweeps"):
        refuse_several_sweeps(["-m", "sweep=seeds,folds"])
