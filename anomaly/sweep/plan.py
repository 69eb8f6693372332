"""The jobs of a sweep before any of them runs: composed, checked, and looked up among finished runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig, open_dict, read_write

from anomaly.config import explain as mistakes
from anomaly.config import parse as config
from anomaly.config import unused as idle
from anomaly.config.parse import Job
from anomaly.config.schema import RunConfig
from anomaly.errors import InputError

log = logging.getLogger(__name__)


WELL = ("done", "skipped", "pruned")  # how a job ends that did not fail


@dataclass
class Child:
    """One job of a sweep, from its overrides to what came of it."""

    overrides: tuple[str, ...]
    state: str = "planned"  # then done, skipped, pruned or failed
    reason: str = ""  # why it failed or was pruned
    run: RunConfig | None = None  # None where its config is refused
    identity: str = ""
    run_id: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)  # of the run that a skipped one stands for

    def fail(self, reason: str) -> None:
        """It ended without a result."""
        self.state, self.reason = "failed", reason

    def prune(self, reason: str) -> None:
        """It was given up, since others do better."""
        self.state, self.reason = "pruned", reason

    def end(self, state: str, run_id: str, metrics: dict[str, float]) -> None:
        """It has a result: its own, or that of a run before."""
        self.state, self.run_id = state, run_id
        self.metrics = {k: v for k, v in metrics.items() if not k.startswith("epoch/")}

    def repeat(self, other: Child) -> None:
        """What its equal came to is its own."""
        self.state, self.reason = other.state, other.reason
        self.run_id, self.metrics = other.run_id, other.metrics
        if other.state == "done":
            self.state, self.reason = "skipped", "the same as a job before it"


def plan(
    compose: Callable[[Sequence[str]], DictConfig], overrides: Sequence[str], name: Callable
) -> Child:
    """A child checked as its run would check itself; one that is refused is failed, with the reason.

    `name(run)` is the identity of a checked config.
    """
    child = Child(tuple(overrides))
    try:
        composed = compose(overrides)
        job = _job(composed)
        child.run = config.parse(_without_hydra(composed))
        idle.refuse(child.run, job)
        child.identity = name(child.run)
    except Exception as error:  # whatever it is, the other children can do without this one
        child.run = None
        child.fail(mistakes.sentence(error) or f"{type(error).__name__}: {error}")
    return child


def _job(composed: DictConfig) -> Job:
    hydra = composed.hydra
    return config.job(hydra, Path(hydra.sweep.dir))


def _without_hydra(composed: DictConfig) -> DictConfig:
    own = composed.copy()
    with read_write(own), open_dict(own):
        del own["hydra"]
    return own


def varied(children: Sequence[Child]) -> list[str]:
    """The keys by which the children differ, in the order typed."""
    values: dict[str, set[str | None]] = {}
    rows = [settings(child) for child in children]
    for key in (key for row in rows for key in row):
        values.setdefault(key, {row.get(key) for row in rows})
    return [key for key, own in values.items() if len(own) > 1]


def settings(child: Child) -> dict[str, str]:
    """{key: value} of its overrides."""
    pairs = (text.lstrip("+").partition("=") for text in child.overrides)
    return {key: value for key, _, value in pairs}


def expect_some(children: Sequence[Child]) -> None:
    """Stop where no child can run at all.

    Raises:
        InputError: with the reasons, each once.
    """
    if all(child.run is None for child in children):
        reasons = dict.fromkeys(child.reason for child in children)
        raise InputError("\n".join(reasons) if reasons else "the sweep has no job")
