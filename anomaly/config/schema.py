"""The typed shape of a run, and the checks of its values; YAML holds the values themselves."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from omegaconf import MISSING

from anomaly.config import signature

STORE = re.compile(  # a SQLite store without a file would end with the run
    r"https?://[^/]|sqlite(\+\w+)?:///(?!:memory:)[^?]|(postgresql|mysql|mssql)(\+\w+)?://"
    r"|databricks\b"
)
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
DISTRIBUTIONS = ("none", "data_parallel")
SLOTS = ("data", "augment", "backbone", "optimizer", "model")  # every config chooses of each
OVERLAYS = ("trainer", "ensemble", "experiment", "sweep")
TRAINING = ("augment", "backbone", "optimizer", "model", "trainer")  # an ensemble reads none


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

    def settings(self) -> dict[str, object]:
        """What decides what this stage learns, by name; without the stage after it."""
        return {k: v for k, v in asdict(self).items() if k not in ("finetune", "rerun")}

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
    """The values of the first stage; those of the second are under `finetune`."""

    finetune: StageConfig = field(default_factory=StageConfig)
    precision: str = MISSING
    xla: bool | None = MISSING
    distribution: str = MISSING
    rerun: bool = False

    def mistakes(self, where: str) -> list[str]:
        """One sentence for every value out of range, in both stages and in how networks compute."""
        mistakes = super().mistakes(where) + self.finetune.mistakes(f"{where}.finetune")
        if self.precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            mistakes.append(f"{where}.precision must be one of {known}, got {self.precision}")
        if self.distribution not in DISTRIBUTIONS:
            known = ", ".join(DISTRIBUTIONS)
            mistakes.append(f"{where}.distribution must be one of {known}, got {self.distribution}")
        return mistakes


@dataclass
class TrackingConfig:
    """Where runs are kept; null means a SQLite file in the output folder."""

    uri: str | None = None

    def mistakes(self) -> list[str]:
        """One sentence if the address is not one of a store."""
        if self.uri is None or STORE.match(self.uri):
            return []
        return [
            "tracking.uri must be a server (http://HOST:PORT) or a database"
            f" (sqlite:////FOLDER/mlflow.db), got {self.uri}"
        ]


@dataclass
class EvaluateConfig:
    """How probabilities become decisions; all of it is chosen on validate."""

    calibrate: bool = MISSING
    max_escape_rate: float = MISSING
    reject_below: float = MISSING

    def mistakes(self) -> list[str]:
        """One sentence for every value out of range."""
        mistakes = []
        if not 0 <= self.max_escape_rate < 1:
            mistakes.append(
                "evaluate.max_escape_rate must be a share from 0 to below 1,"
                f" got {self.max_escape_rate}"
            )
        if not 0 <= self.reject_below <= 1:
            mistakes.append(
                f"evaluate.reject_below must be between 0 and 1, got {self.reject_below}"
            )
        return mistakes


@dataclass
class MembersConfig:
    """Which finished runs an ensemble combines; without run_ids they are looked up in MLflow."""

    run_ids: list[str] = MISSING
    metric: str = MISSING
    most: int = MISSING
    where: list[str] = MISSING

    def mistakes(self) -> list[str]:
        """One sentence for every value that cannot be meant."""
        mistakes = []
        if len(set(self.run_ids)) < len(self.run_ids):
            mistakes.append("members.run_ids names a run twice; a member votes once")
        mistakes += [
            f"members.where must list TAG=VALUE, such as 'trainer=transfer', got {condition}"
            for condition in self.where
            if not re.fullmatch(r"[\w.]+=.+", condition)
        ]
        if self.most < 2:
            mistakes.append(f"members.most must be 2 or more, got {self.most}")
        if not self.metric.startswith("val/"):
            mistakes.append(
                f"members.metric must be a validation metric such as val/accuracy, got"
                f" {self.metric}: choosing by test figures would make them worthless"
            )
        return mistakes


@dataclass
class CacheConfig:
    """How much disk decoded images and features may take."""

    gigabytes: float = 8.0

    def mistakes(self) -> list[str]:
        """One sentence if the size is not positive and finite."""
        if 0 < self.gigabytes < float("inf"):
            return []
        return [f"cache.gigabytes must be above 0 and finite, got {self.gigabytes}"]


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
    refit: str | None = None

    def mistakes(self) -> list[str]:
        """One sentence for every value that cannot be meant."""
        slots = (*SLOTS, "ensemble") if self.ensemble else SLOTS
        mistakes = [m for slot in slots for m in signature.mistakes(slot, getattr(self, slot))]
        mistakes += self.members.mistakes() + self.evaluate.mistakes()
        mistakes += self.trainer.mistakes("trainer")
        if not 0 <= self.seed < 2**32:
            follows = re.compile(rf"data\.seed .*, got {self.seed}")  # it follows seed
            mistakes = [mistake for mistake in mistakes if not follows.fullmatch(mistake)]
            mistakes.append(f"seed must be between 0 and 4294967295, got {self.seed}")
        mistakes += self.tracking.mistakes()
        if not self.output.strip():
            mistakes.append("output must name a folder, got nothing; leave it out to use outputs")
        mistakes += self.cache.mistakes()
        if not self.objective.startswith("val/"):
            mistakes.append(
                f"objective must be a validation metric such as val/accuracy, got {self.objective}:"
                " choosing by test figures would make them worthless"
            )
        return mistakes
