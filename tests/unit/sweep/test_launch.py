"""How jobs end whose launcher fails, and how a cluster is joined."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from anomaly.sweep.launch import launch
from anomaly.sweep.plan import Child


def failing(**attributes: object) -> SimpleNamespace:
    def launch(overrides, initial_job_idx):
        raise ConnectionError("no cluster at HOST:6379.\nmany more lines")

    return SimpleNamespace(launch=launch, **attributes)


def test_jobs_fail_for_the_reason_that_their_launcher_gives(tmp_path):
    children = [Child(("seed=1",)), Child(("seed=2",))]
    launch(failing(), children, 0, tmp_path)
    assert [child.state for child in children] == ["failed", "failed"]
    assert {child.reason for child in children} == {
        "the launcher failed (ConnectionError: no cluster at HOST:6379); the same command runs what"
        " is missing"
    }


@pytest.mark.parametrize(
    ("init", "wanted"),
    [
        ({"address": "HOST:6379"}, {"address": "HOST:6379", "object_store_memory": None}),
        ({"address": None}, {"address": None}),
        ({}, {}),
    ],
)
def test_a_running_cluster_is_asked_for_no_object_store(init, wanted, tmp_path):
    config = OmegaConf.create({"init": init})
    OmegaConf.set_struct(config, True)
    launch(failing(ray_cfg=config), [], 0, tmp_path)
    assert config.init == wanted
