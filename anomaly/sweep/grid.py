"""Every combination of what the command line lists: Hydra's own sweeper, on a recorded session."""

from __future__ import annotations

from itertools import chain
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser


class Grid(BasicSweeper):
    """Runs what was not run before; a job that fails stops no other."""

    def sweep(self, arguments: list[str]) -> Any:
        """Run all jobs, and exit with 1 where one of them failed."""
        from anomaly.sweep.session import Session  # with MLflow, which single runs load later

        assert self.config and self.launcher and self.hydra_context
        loader = self.hydra_context.config_loader
        parsed = OverridesParser.create(loader).parse_overrides([*self._parse_config(), *arguments])
        batches = self.split_arguments(parsed, self.max_batch_size)
        session = Session(self.config, loader, self.launcher)
        jobs = session.plan(list(chain.from_iterable(batches)))
        session.open(jobs)
        try:
            for start in range(0, len(jobs), size := max(map(len, batches))):
                session.run(jobs[start : start + size])
        finally:
            session.conclude()
        session.exit()
