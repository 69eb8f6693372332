"""The typed shape of a run. Everything is checked here, before a heavy library is imported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from anomaly import nearest, signature
from anomaly.types import InputError

STORE = re.compile(  # a SQLite store without a file would be gone with the run
    r"https?://[^/]|sqlite(\+\w+)?:///(?!:memory:)[^?]|(postgresql|mysql|mssql)(\+\w+)?://"
    r"|databricks\b"
)
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
SLOTS = ("data", "augment", "backbone", "optimizer", "model")  # a run fills them all
OVERLAYS = ("trainer", "ensemble", "experiment")
UNUSED = {  # the keys that mean nothing to a run that trains, and to one that combines
    False: ("ensemble", "members"),
    True: ("augment", "backbone", "optimizer", "model", "trainer", "cache"),
}


@dataclass
class StageConfig:
    """One stage of training: how long, how fast, how many images at a time."""

    epochs: int = MISSING
    learning_rate: float = MISSING
    batch_size: int = MISSING
    steps_per_epoch: int | None = None

    def steps(self, images: int) -> int:
        """Batches in an epoch over so many images."""
        every = -(-images // self.batch_size)
        return every if self.steps_per_epoch is None else min(every, self.steps_per_epoch)

    def mistakes(self, where: str) -> list[str]:
        """One sentence for every value out of range; keys are named from `where`."""
        rules = {
            "epochs": (self.epochs >= 0, "0 or more"),
            "learning_rate": (0 < self.learning_rate <= 10, "above 0 and at most 10"),
            "batch_size": (1 <= self.batch_size <= 65536, "between 1 and 65536"),
            "steps_per_epoch": (
                self.steps_per_epoch is None or self.steps_per_epoch >= 1,
                "null or 1 and more",
            ),
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
    precision: str = MISSING
    xla: bool | None = MISSING

    def mistakes(self, where: str) -> list[str]:
        """Those of both stages, and of how networks compute."""
        found = super().mistakes(where) + self.finetune.mistakes(f"{where}.finetune")
        if self.precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            found.append(f"{where}.precision must be one of {known}, got {self.precision}")
        return found


@dataclass
class TrackingConfig:
    """Where runs are kept; null means a SQLite file in the output folder."""

    uri: str | None = None


@dataclass
class EvaluateConfig:
    """How probabilities become decisions; all of it is chosen on validate."""

    calibrate: bool = MISSING
    max_escape_rate: float = MISSING
    reject_below: float = MISSING

    def mistakes(self) -> list[str]:
        """One sentence for every value out of range."""
        found = []
        if not 0 <= self.max_escape_rate < 1:
            found.append(
                "evaluate.max_escape_rate must be a share from 0 to below 1,"
                f" got {self.max_escape_rate}"
            )
        if not 0 <= self.reject_below <= 1:
            found.append(f"evaluate.reject_below must be between 0 and 1, got {self.reject_below}")
        return found


@dataclass
class MembersConfig:
    """Which finished runs an ensemble combines; without run_ids they are found in MLflow."""

    run_ids: list[str] = MISSING
    metric: str = MISSING
    most: int = MISSING
    where: list[str] = MISSING

    def mistakes(self) -> list[str]:
        """One sentence for every value that cannot be meant."""
        found = []
        if len(set(self.run_ids)) < len(self.run_ids):
            found.append("members.run_ids names a run twice; a member has one voice")
        found += [
            f"members.where must list TAG=VALUE, such as 'trainer=transfer', got {condition}"
            for condition in self.where
            if not re.fullmatch(r"[\w.]+=.+", condition)
        ]
        if self.most < 2:
            found.append(f"members.most must be 2 or more, got {self.most}")
        if not self.metric.startswith("val/"):
            found.append(
                f"members.metric must be a validation metric such as val/accuracy, got"
                f" {self.metric}: choosing by test figures would make them worthless"
            )
        return found


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
    ensemble: Any = None
    members: MembersConfig = field(default_factory=MembersConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    seed: int = MISSING
    output: str = MISSING
    objective: str = MISSING

    def mistakes(self) -> list[str]:
        """One sentence for every value that cannot be meant."""
        slots = (*SLOTS, "ensemble") if self.ensemble else SLOTS
        found = [m for slot in slots for m in signature.mistakes(slot, getattr(self, slot))]
        found += self.members.mistakes() + self.evaluate.mistakes()
        found += self.trainer.mistakes("trainer")
        if not 0 <= self.seed < 2**32:
            follows = re.compile(rf"data\.seed .*, got {self.seed}")  # nobody typed that
            found = [mistake for mistake in found if not follows.fullmatch(mistake)]
            found.append(f"seed must be between 0 and 4294967295, got {self.seed}")
        if self.tracking.uri is not None and not STORE.match(self.tracking.uri):
            found.append(
                "tracking.uri must be a server (http://HOST:PORT) or a database"
                f" (sqlite:////FOLDER/mlflow.db), got {self.tracking.uri}"
            )
        if not self.output.strip():
            found.append("output must name a folder, got nothing; leave it out to use outputs")
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
    known = known_keys(cfg)
    strangers = [f"{k} is not a known key{nearest.advice(k, known)}" for k in _strangers(run)]
    if mistakes := [*strangers, *run.mistakes()]:
        raise InputError("\n".join(mistakes))
    return run


def _strangers(node: Any, prefix: str = "") -> Iterator[str]:
    """Every key that +key=value brought in and nothing reads."""
    known = {f.name for f in fields(node)}
    for key, value in vars(node).items():
        if key not in known:
            yield f"{prefix}{key}"
        elif is_dataclass(value):
            yield from _strangers(value, f"{prefix}{key}.")


def parameters(run: RunConfig, without: Sequence[str] = ()) -> dict[str, Any]:
    """Every value of the run under its config path, but for groups that it does not read."""
    unused = (*UNUSED[run.ensemble is not None], *without)
    return {
        key: value
        for key, value in _flat(asdict(run)).items()
        if not key.endswith(("_target_", "_partial_")) and key.split(".")[0] not in unused
    }


def current_job() -> Job:
    """The job that Hydra is running."""
    hydra = HydraConfig.get()
    sweep = hydra.sweep.dir if hydra.mode == RunMode.MULTIRUN else None
    chosen = hydra.runtime.choices
    return Job(
        folder=Path(hydra.runtime.output_dir),
        choices={group: chosen[group] or "" for group in (*SLOTS, *OVERLAYS)},
        overrides=tuple(hydra.overrides.task),
        sweep=sweep,
    )


def known_keys(cfg: DictConfig) -> list[str]:
    """Every path a user may override, for suggestions."""
    flat = _flat(OmegaConf.to_container(cfg, throw_on_missing=False))
    values = {key for key in flat if not key.endswith(("_target_", "_partial_"))}
    return sorted(values | {f.name for f in fields(RunConfig)})


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix: node}
    out: dict[str, Any] = {}
    for key, value in node.items():
        out |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return out
