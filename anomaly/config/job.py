"""What Hydra knows about a run and its config does not: the folder, the choices, the sweep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from anomaly.config.schema import OVERLAYS, SLOTS


@dataclass(frozen=True)
class Job:
    """One run among Hydra's."""

    folder: Path
    choices: dict[str, str]  # the option chosen of every group
    overrides: tuple[str, ...]
    sweep: str | None  # the folder of its sweep; None for a single run


def current_job() -> Job:
    """The job that Hydra is running."""
    hydra = HydraConfig.get()
    return job_of(hydra, Path(hydra.runtime.output_dir))


def job_of(hydra: DictConfig | HydraConf, folder: Path) -> Job:
    """The job that the `hydra` part of a composed config describes."""
    sweep = str(Path(str(hydra.sweep.dir)).absolute()) if hydra.mode == RunMode.MULTIRUN else None
    chosen = hydra.runtime.choices
    return Job(
        folder=folder,
        choices={group: chosen.get(group) or "" for group in (*SLOTS, *OVERLAYS)},
        overrides=tuple(hydra.overrides.task),
        sweep=sweep,
    )


def in_sweep() -> bool:
    """Whether the job that Hydra is running is one of a sweep's."""
    return HydraConfig.get().mode == RunMode.MULTIRUN


def place_in_sweep() -> tuple[Any, int]:
    """The settings of the sweep's launcher, and the number of Hydra's job in the sweep."""
    hydra = HydraConfig.get()
    return hydra.launcher, int(hydra.job.num)
