"""Composes the configs of a sweep: most of its jobs choose the same files and differ only in values."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf


class Composer:
    """Composes what Hydra's loader would, a few times faster: it reads each choice of files once."""

    def __init__(self, master: DictConfig, loader: ConfigLoader) -> None:
        self.master, self.loader = master, loader
        self._parser = OverridesParser.create()
        self._chosen: dict[tuple[str, ...], DictConfig] = {}

    def __call__(self, overrides: Sequence[str]) -> DictConfig:
        """The config of a job, including the node `hydra`; raises what Hydra raises."""
        parsed = self._parser.parse_overrides(list(overrides))
        if not all(map(self._plain, parsed)):
            return self.loader.load_sweep_config(self.master, list(overrides))
        values = [override for override in parsed if not self._chooses(override)]
        choices = [o.input_line or "" for o in parsed if self._chooses(o)]
        config = deepcopy(self._of(tuple(choices)))
        OmegaConf.copy_cache(from_config=self.master, to_config=config)
        ConfigLoaderImpl._apply_overrides_to_config(values, config)
        config.hydra.overrides.task = list(overrides)
        return config

    def _plain(self, override: Override) -> bool:
        """Whether it sets a key of ours to one value: no +, no ~, no hydra.*, no sweep."""
        changed = override.is_add() or override.is_force_add() or override.is_delete()
        return not (changed or override.is_hydra_override() or override.is_sweep_override())

    def _chooses(self, override: Override) -> bool:
        """Whether it chooses a file of a group; a mapping sets values in its section instead."""
        files = self.loader.repository  # type: ignore[attr-defined]
        return not isinstance(override.value(), dict) and files.group_exists(override.key_or_group)

    def _of(self, choices: tuple[str, ...]) -> DictConfig:
        """The config with these files chosen, to be copied."""
        if choices not in self._chosen:
            self._chosen[choices] = self.loader.load_sweep_config(self.master, list(choices))
        return self._chosen[choices]
