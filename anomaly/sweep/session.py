"""One sweep: its run in MLflow, the runs of its jobs below it, and how each of them ended."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.config_loader import ConfigLoader
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig

from anomaly.errors import InputError
from anomaly.run.prepare import dataset_of, identity_of
from anomaly.runtime import process
from anomaly.sweep import plan, result
from anomaly.sweep.compose import Composer
from anomaly.sweep.folds import pool_skipped
from anomaly.sweep.launch import launch
from anomaly.sweep.plan import Child
from anomaly.tracking import nest
from anomaly.tracking.names import DESCRIPTION
from anomaly.tracking.parent import Parent, done_before
from anomaly.tracking.store import Store, store_of

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger(__name__)


class Session:
    """Plans jobs, skips those that finished before, launches the others and reports how they ended."""

    def __init__(self, master: DictConfig, loader: ConfigLoader, launcher: Launcher) -> None:
        self.launcher, self.composer = launcher, Composer(master, loader)
        self.folder = Path(master.hydra.sweep.dir).absolute()
        self.name = str(master.hydra.runtime.choices.get("sweep") or "sweep")
        self.children: list[Child] = []
        self.launched = _next(self.folder)

    def plan(self, overrides: Sequence[Sequence[str]]) -> list[Child]:
        """The children of these overrides, in their order."""
        children = [plan.plan(self.composer, words, identity_of) for words in overrides]
        self.children += children
        return children

    def open(self, children: Sequence[Child], key: str = "") -> None:
        """Begin the run of the whole sweep, or continue that of an earlier sweep with the same key.

        Args:
            key: what two sweeps must share to be one; by default all of their jobs.

        Raises:
            InputError: no child can run, or the store does not answer.
        """
        plan.refuse_all_failed(children)
        self.config = next(child.run for child in children if child.run)
        self.experiment = dataset_of(self.config).category
        self.folder.mkdir(parents=True, exist_ok=True)
        key = key or " ".join(child.identity or " ".join(child.overrides) for child in children)
        tags = {
            "role": "sweep",
            "kind": self.name,
            "jobs": hashlib.sha256(key.encode()).hexdigest()[:32],
            "sweep": str(self.folder),
            "process": process.this(),
            DESCRIPTION: f"`{result.command()}`",
        }
        name = f"{self.experiment}-{self.name}"
        self.parent = Parent(store_of(self.config), self.experiment, name, tags)
        self.parent.end_orphans()
        nest.write_parent(self.folder, self.parent.run_id)
        for child in (child for child in children if child.run is None):
            log.warning("this job cannot run: %s: %s", " ".join(child.overrides), child.reason)

    def run(self, children: Sequence[Child]) -> None:
        """Launch the children that no finished run stands for; of equal ones only the first."""
        self._skip(children)
        waiting = [child for child in children if child.state == "planned"]
        first = {child.identity: child for child in reversed(waiting)}
        distinct = [child for child in waiting if child is first[child.identity]]
        if len(distinct) < len(children):
            log.info("%d of %d jobs are left to run", len(distinct), len(children))
        if distinct:
            launch(self.launcher, distinct, self.launched, self.folder)
        self.launched += len(distinct)
        for child in (child for child in waiting if child is not first[child.identity]):
            child.repeat(first[child.identity])
        pool_skipped(children, self.folder)

    def _skip(self, children: Sequence[Child]) -> None:
        finished: dict[tuple[Store, str], dict[str, Run]] = {}  # a sweep may have several data sets
        for child in (child for child in children if child.run and child.state == "planned"):
            assert child.run
            where = store_of(child.run), dataset_of(child.run).category
            if where not in finished:
                finished[where] = done_before(*where)
            before = finished[where].get(child.identity)
            if before and not child.run.trainer.rerun:
                child.end("skipped", before.info.run_id, before.data.metrics)
                child.tags = before.data.tags

    def conclude(self) -> None:
        """Write and print the table, and end the sweep's run in MLflow; a dead store is a warning."""
        best = result.best(self.children, self.config.objective)
        result.write(self.folder, self.children, self.config.objective)
        result.show(self.children, self.config.objective, best)
        failed = not self.children or any(c.state not in plan.WELL for c in self.children)
        note = result.note(self.children, self.config.objective, best)
        tags = {DESCRIPTION: note, "best": best.run_id if best else ""}
        metrics = best.metrics if best else {}
        status = "FAILED" if failed else "FINISHED"
        try:
            self.parent.end_jobs()
            self.parent.name_jobs(result.titles(self.children, self.parent.run_id))
            self.parent.close(self.folder, metrics, tags, status)
        except InputError as error:
            log.warning("%s; the sweep's table is in %s", error, self.folder)

    def exit(self) -> None:
        """Exit with 1 if a job failed."""
        if any(child.state not in plan.WELL for child in self.children):
            sys.exit(1)


def _next(folder: Path) -> int:
    """The number of the next job; the jobs of an earlier sweep in the same folder keep theirs."""
    taken = [int(path.name) for path in folder.glob("*/") if path.name.isdecimal()]
    return max(taken, default=-1) + 1
