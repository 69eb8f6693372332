"""How jobs share a machine."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from anomaly.runtime import share_machine


@pytest.fixture
def cores(monkeypatch):
    """cores(8): a machine of 8, on which nothing is set yet."""

    def have(count: int) -> None:
        monkeypatch.setattr(share_machine, "available", lambda: count)
        for name in share_machine.THREADS:
            monkeypatch.setenv(name, "")
            monkeypatch.delenv(name)

    return have


@pytest.mark.parametrize(
    ("launcher", "each"),
    [
        ({}, 8),
        ({"n_jobs": 2}, 4),
        ({"n_jobs": -1}, 1),
        ({"n_jobs": 100}, 1),
        ({"cpus_per_task": 3}, 3),
        ({"ray": {"remote": {}}}, 1),
        ({"ray": {"remote": {"num_cpus": 2}}}, 2),
    ],
)
def test_each_job_has_an_equal_part_or_what_the_scheduler_gives_it(cores, launcher, each):
    cores(8)
    assert share_machine.cores_of(OmegaConf.create(launcher)) == each


def test_threads_are_limited_where_jobs_share_and_what_the_user_set_stays(cores, monkeypatch):
    import os

    cores(8)
    share_machine.divide(OmegaConf.create({}), 0)
    assert "TF_NUM_INTRAOP_THREADS" not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    share_machine.divide(OmegaConf.create({"n_jobs": 4}), 0)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "2"
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
    monkeypatch.delenv("TF_NUM_INTEROP_THREADS")
    monkeypatch.delenv("TF_FORCE_GPU_ALLOW_GROWTH")
