"""The typed shape of a run. Everything is checked here, before a heavy library is imported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from anomaly import signature
from anomaly.types import InputError

STORE = re.compile(r"https?://|(sqlite|postgresql|mysql|mssql)(\+\w+)?://|databricks\b")
SLOTS = ("data", "augment", "backbone", "optimizer", "model")


@dataclass
class StageConfig:
    """One stage of training: how long, how fast, how many images at a time."""

    epochs: int = MISSING
    learning_rate: float = MISSING
    batch_size: int = MISSING

    def mistakes(self, where: str) -> list[str]:
        """One sentence for every value out of range; keys are named from `where`."""
        rules = {
            "epochs": (self.epochs >= 0, "0 or more"),
            "learning_rate": (0 < self.learning_rate <= 10, "above 0 and at most 10"),
            "batch_size": (1 <= self.batch_size <= 65536, "between 1 and 65536"),
        }
        return [
            f"{where}.{key} must be {words}, got {getattr(self, key)}"
            for key, (holds, words) in rules.items()
            if not holds
        ]


@dataclass
class TrainerConfig(StageConfig):
    """The first stage's values are the trainer's own; the second stage's are under `finetune`."""

    finetune: StageConfig = field(default_factory=StageConfig)


@dataclass
class TrackingConfig:
    """Where runs are kept; null means a SQLite file in the output folder."""

    uri: str | None = None


@dataclass
class CacheConfig:
    """How much disk decoded images and features may take."""

    gigabytes: float = 8.0


@dataclass
class RunConfig:
    """One run, checked: slots are plain mappings for `instantiate`, the rest is typed."""

    data: Any = MISSING
    augment: Any = MISSING
    backbone: Any = MISSING
    optimizer: Any = MISSING
    model: Any = MISSING
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    seed: int = MISSING
    output: str = MISSING
    objective: str = MISSING

    def mistakes(self) -> list[str]:
        """One sentence for every value that cannot be meant."""
        found = [m for slot in SLOTS for m in signature.mistakes(slot, getattr(self, slot))]
        found += self.trainer.mistakes("trainer")
        found += self.trainer.finetune.mistakes("trainer.finetune")
        if not 0 <= self.seed < 2**32:
            found.append(f"seed must be between 0 and 4294967295, got {self.seed}")
        if self.tracking.uri is not None and not STORE.match(self.tracking.uri):
            found.append(
                "tracking.uri must be a server (http://HOST:PORT) or a database"
                f" (sqlite:////FOLDER/mlflow.db), got {self.tracking.uri}"
            )
        if not 0 < self.cache.gigabytes < float("inf"):
            found.append(f"cache.gigabytes must be above 0 and finite, got {self.cache.gigabytes}")
        if not self.objective.startswith("val/"):
            found.append(
                f"objective must be a validation metric such as val/accuracy, got {self.objective}:"
                " choosing by test figures would make them worthless"
            )
        return found


@dataclass(frozen=True)
class Job:
    """What Hydra knows about this run and the config itself does not."""

    folder: Path
    choices: dict[str, str]  # the option chosen for every slot
    overrides: tuple[str, ...]
    sweep: str | None  # the folder of the sweep, when there is one


def register() -> None:
    """Make the schema known to Hydra; called once, by train.py."""
    ConfigStore.instance().store(name="schema", node=RunConfig)


def parse(cfg: DictConfig) -> RunConfig:
    """Resolve and check a composed config.

    Raises:
        InputError: naming every key whose value is missing, unknown or out of range.
    """
    try:
        run = OmegaConf.to_object(cfg)
    except MissingMandatoryValue as error:
        raise InputError(
            f"{error.full_key} has no value; give it as {error.full_key}=..."
        ) from None
    assert isinstance(run, RunConfig)
    if mistakes := [*_strangers(run), *run.mistakes()]:
        raise InputError("\n".join(mistakes))
    return run


def _strangers(node: Any, prefix: str = "") -> Iterator[str]:
    """One sentence for every key that +key=value brought in and nothing reads."""
    known = {f.name for f in fields(node)}
    for key, value in vars(node).items():
        if key not in known:
            yield f"{prefix}{key} is not a known key"
        elif is_dataclass(value):
            yield from _strangers(value, f"{prefix}{key}.")


def parameters(run: RunConfig) -> dict[str, Any]:
    """Every value of the run under its config path; what tracking logs as parameters."""
    return {
        key: value
        for key, value in _flat(asdict(run)).items()
        if not key.endswith(("_target_", "_partial_"))
    }


def current_job() -> Job:
    """The job that Hydra is running."""
    hydra = HydraConfig.get()
    sweep = hydra.sweep.dir if hydra.mode == RunMode.MULTIRUN else None
    chosen = hydra.runtime.choices
    return Job(
        folder=Path(hydra.runtime.output_dir),
        choices={slot: chosen[slot] for slot in (*SLOTS, "trainer")},
        overrides=tuple(hydra.overrides.task),
        sweep=sweep,
    )


def known_keys(cfg: DictConfig) -> list[str]:
    """Every path a user may override, for suggestions."""
    flat = _flat(OmegaConf.to_container(cfg, throw_on_missing=False))
    return sorted({k for k in flat if "_target_" not in k} | {f.name for f in fields(RunConfig)})


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix: node}
    out: dict[str, Any] = {}
    for key, value in node.items():
        out |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return out
