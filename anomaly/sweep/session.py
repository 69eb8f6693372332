"""One sweep: its run in MLflow above those of its jobs, and what became of each of them."""

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
from anomaly.run import prepare as place
from anomaly.runtime import process
from anomaly.sweep import plan, result
from anomaly.sweep.compose import Composer
from anomaly.sweep.folds import pool_skipped
from anomaly.sweep.launch import launch
from anomaly.sweep.plan import Child
from anomaly.tracking import nest
from anomaly.tracking.parent import Parent, done_before

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger(__name__)


class Session:
    """Plans children, leaves out those that finished before, launches the others and says how it went."""

    def __init__(self, master: DictConfig, loader: ConfigLoader, launcher: Launcher) -> None:
        self.launcher, self.composer = launcher, Composer(master, loader)
        self.folder = Path(master.hydra.sweep.dir).absolute()
        self.name = str(master.hydra.runtime.choices.get("sweep") or "sweep")
        self.children: list[Child] = []
        self.launched = _next(self.folder)

    def plan(self, overrides: Sequence[Sequence[str]]) -> list[Child]:
        """The children of these overrides, in their order."""
        own = [plan.plan(self.composer, words, place.identity_of) for words in overrides]
        self.children += own
        return own

    def open(self, children: Sequence[Child], key: str = "") -> None:
        """Begin the run of the whole sweep, or go on with it: `key`, or the jobs themselves, name it.

        Raises:
            InputError: no child can run, or the store does not answer.
        """
        plan.expect_some(children)
        self.config = next(child.run for child in children if child.run)
        self.experiment, self.uri = place.store_of(self.config)
        self.output = Path(self.config.output)
        self.folder.mkdir(parents=True, exist_ok=True)
        named = key or " ".join(child.identity or " ".join(child.overrides) for child in children)
        tags = {
            "role": "sweep",
            "kind": self.name,
            "jobs": hashlib.sha256(named.encode()).hexdigest()[:32],
            "sweep": str(self.folder),
            "process": process.this(),
            "mlflow.note.content": f"`{result.command()}`",
        }
        name = f"{self.experiment}-{self.name}"
        self.parent = Parent(self.uri, self.output, self.experiment, name, tags)
        self.parent.end_orphans()
        nest.write_parent(self.folder, self.parent.run_id)
        for child in (child for child in children if child.run is None):
            log.warning("this job will not run: %s: %s", " ".join(child.overrides), child.reason)

    def run(self, children: Sequence[Child]) -> None:
        """Launch those of the children that no finished run stands for; of equal ones the first."""
        self._skip(children)
        waiting = [child for child in children if child.state == "planned"]
        first = {child.identity: child for child in reversed(waiting)}
        own = [child for child in waiting if child is first[child.identity]]
        if len(own) < len(children):
            log.info("%d of %d jobs are left to run", len(own), len(children))
        if own:
            launch(self.launcher, own, self.launched, self.folder)
        self.launched += len(own)
        for child in (child for child in waiting if child is not first[child.identity]):
            child.repeat(first[child.identity])
        pool_skipped(children, self.folder)

    def _skip(self, children: Sequence[Child]) -> None:
        # one for each data set that is swept over
        stores: dict[tuple[str, str], dict[str, Run]] = {}
        for child in (child for child in children if child.run and child.state == "planned"):
            assert child.run
            experiment, uri = place.store_of(child.run)
            if (experiment, uri) not in stores:
                stores[experiment, uri] = done_before(uri, Path(child.run.output), experiment)
            before = stores[experiment, uri].get(child.identity)
            if before and not child.run.trainer.rerun:
                child.end("skipped", before.info.run_id, before.data.metrics)
                child.tags = before.data.tags

    def conclude(self) -> None:
        """The table, on the terminal and in MLflow; nothing computed depends on it."""
        best = result.best(self.children, self.config.objective)
        result.write(self.folder, self.children, self.config.objective)
        result.show(self.children, self.config.objective, best)
        failed = not self.children or any(c.state not in plan.WELL for c in self.children)
        note = result.note(self.children, self.config.objective, best)
        tags = {"mlflow.note.content": note, "best": best.run_id if best else ""}
        metrics = best.metrics if best else {}
        status = "FAILED" if failed else "FINISHED"
        try:
            self.parent.end_jobs()
            self.parent.name_jobs(result.titles(self.children, self.parent.run_id))
            self.parent.close(self.folder, metrics, tags, status)
        except InputError as error:
            log.warning("%s; the sweep's table is in %s", error, self.folder)

    def exit(self) -> None:
        """End the program as the jobs ended: 1 where one of them failed."""
        if any(child.state not in plan.WELL for child in self.children):
            sys.exit(1)


def _next(folder: Path) -> int:
    """The number of the next job: those of an earlier sweep in the same folder keep theirs."""
    taken = [int(path.name) for path in folder.glob("*/") if path.name.isdecimal()]
    return max(taken, default=-1) + 1
