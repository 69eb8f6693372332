"""The config of a run that was trained before."""

from __future__ import annotations

from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from anomaly.config.parse import parse, register
from anomaly.config.paths import CONF
from anomaly.config.schema import RunConfig


def config_of(words: Sequence[str]) -> RunConfig:
    """The checked config of a command line such as ["model=tiny", "seed=1"].

    Raises:
        InputError: the words name a key or a value that this version does not know.
    """
    register()
    running = GlobalHydra.get_state()
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return parse(compose("config", list(words)))
    finally:
        GlobalHydra.set_state(running)
