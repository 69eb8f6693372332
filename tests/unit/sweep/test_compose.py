"""Our faster composition of a job's config, against Hydra's."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException, HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from anomaly.config.parse import register
from anomaly.sweep.compose import Composer

CONF = Path(__file__).parents[3] / "conf"
SAME = ("data=demo", "model=tiny")


@pytest.fixture
def loader():
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


@pytest.fixture
def master(loader: ConfigLoader) -> DictConfig:
    words = [*SAME, "hydra.mode=MULTIRUN", "hydra.sweep.dir=/nowhere"]
    return loader.load_configuration("config", words, RunMode.MULTIRUN)


def plain(config: DictConfig) -> dict:
    """All of it as written; the name of a job's folder is not used."""
    content = OmegaConf.to_container(config)
    content["hydra"]["job"].pop("override_dirname")
    return content


@pytest.mark.parametrize(
    "overrides",
    [
        [*SAME],
        [*SAME, "seed=3", "trainer.learning_rate=1e-2", "data.fold=null", "model.levels=[C3,C4]"],
        ["seed=3", *SAME, "trainer=smoke", "trainer.epochs=7"],
        [*SAME, "experiment=demo_mask_rcnn", "model.views=2"],
        [*SAME, "+data.note=new"],
        [*SAME, "ensemble=soft_vote", "members.run_ids=[a,b]"],
        ["model.head=svm", "output=/some where"],
        [*SAME, "trainer=smoke", "trainer.epochs=4", "trainer={epochs: 3}"],
    ],
)
def test_it_is_what_hydra_composes(overrides, master, loader):
    compose = Composer(master, loader)
    compose([*SAME, "seed=99", "trainer.epochs=1"])  # leaves no trace in the next
    assert plain(compose(overrides)) == plain(loader.load_sweep_config(master, overrides))


@pytest.mark.parametrize(
    "wrong", ["sed=3", "model.hed=svm", "model=tinny", "seed=", "seed=1,2", "model.head.x=1"]
)
def test_it_refuses_what_hydra_refuses(wrong, master, loader):
    hydras = partial(loader.load_sweep_config, master)
    messages = []
    for compose in (Composer(master, loader), hydras):
        try:
            compose([*SAME, wrong])
            messages.append("")
        except (ConfigCompositionException, HydraException) as error:
            messages.append(str(error))
    assert messages[0] == messages[1]
