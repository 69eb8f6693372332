"""The jobs of a sweep before any of them runs: composed, checked and identified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig, open_dict, read_write

from anomaly.config import unused
from anomaly.config.explain import sentence
from anomaly.config.job import Job, job_of
from anomaly.config.parse import parse
from anomaly.config.schema import RunConfig
from anomaly.errors import InputError

WELL = ("done", "skipped", "pruned")  # the states of jobs that ended and did not fail


@dataclass
class Child:
    """One job of a sweep, from its overrides to its result."""

    overrides: tuple[str, ...]
    state: str = "planned"  # then done, skipped, pruned or failed
    reason: str = ""  # why it failed or was pruned
    run: RunConfig | None = None  # its checked config; None if that is refused
    identity: str = ""
    run_id: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)  # of the earlier run of a skipped job

    def fail(self, reason: str) -> None:
        """It ended without a result."""
        self.state, self.reason = "failed", reason

    def prune(self, reason: str) -> None:
        """It was stopped early, since other trials do better."""
        self.state, self.reason = "pruned", reason

    def end(self, state: str, run_id: str, metrics: dict[str, float]) -> None:
        """It has a result, from this sweep (done) or from an earlier run (skipped)."""
        self.state, self.run_id = state, run_id
        self.metrics = {k: v for k, v in metrics.items() if not k.startswith("epoch/")}

    def repeat(self, other: Child) -> None:
        """Take over the result of a job that is equal to this one."""
        self.state, self.reason = other.state, other.reason
        self.run_id, self.metrics = other.run_id, other.metrics
        if other.state == "done":
            self.state, self.reason = "skipped", "equal to an earlier job of this sweep"


def plan(
    compose: Callable[[Sequence[str]], DictConfig], overrides: Sequence[str], name: Callable
) -> Child:
    """A child whose config is checked as its run would check it; if refused, failed with the reason.

    Args:
        compose: from overrides to a config that includes the node `hydra`.
        name: from a checked config to its identity.
    """
    child = Child(tuple(overrides))
    try:
        composed = compose(overrides)
        job = _job(composed)
        child.run = parse(_without_hydra(composed))
        unused.refuse(child.run, job)
        child.identity = name(child.run)
    except Exception as error:  # whatever it is, the other children can still run
        child.run = None
        child.fail(sentence(error) or f"{type(error).__name__}: {error}")
    return child


def _job(composed: DictConfig) -> Job:
    hydra = composed.hydra
    return job_of(hydra, Path(hydra.sweep.dir))


def _without_hydra(composed: DictConfig) -> DictConfig:
    copy = composed.copy()
    with read_write(copy), open_dict(copy):
        del copy["hydra"]
    return copy


def varied(children: Sequence[Child]) -> list[str]:
    """The keys in which the children differ, in the order typed."""
    values: dict[str, set[str | None]] = {}
    rows = [settings(child) for child in children]
    for key in (key for row in rows for key in row):
        values.setdefault(key, {row.get(key) for row in rows})
    return [key for key, different in values.items() if len(different) > 1]


def settings(child: Child) -> dict[str, str]:
    """{key: value} of a child's overrides."""
    pairs = (text.lstrip("+").partition("=") for text in child.overrides)
    return {key: value for key, _, value in pairs}


def refuse_all_failed(children: Sequence[Child]) -> None:
    """Stop if not a single child can run.

    Raises:
        InputError: with the reasons, each once.
    """
    if all(child.run is None for child in children):
        reasons = dict.fromkeys(child.reason for child in children)
        raise InputError("\n".join(reasons) if reasons else "the sweep has no job")
