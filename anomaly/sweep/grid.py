"""Runs every combination of the listed values: Hydra's basic sweeper, recorded as one sweep."""

from __future__ import annotations

from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from anomaly.errors import InputError


class Grid(BasicSweeper):
    """Runs the jobs that no finished run stands for; a job that fails stops no other."""

    def sweep(self, arguments: list[str]) -> Any:
        """Run all jobs, and exit with 1 if one of them failed."""
        from anomaly.sweep.session import Session  # with MLflow, which single runs load later

        assert self.config and self.launcher and self.hydra_context
        if self.max_batch_size is not None and self.max_batch_size < 1:
            raise InputError("hydra.sweeper.max_batch_size must be at least 1, or null")
        loader = self.hydra_context.config_loader
        parsed = OverridesParser.create(loader).parse_overrides([*self._parse_config(), *arguments])
        session = Session(self.config, loader, self.launcher)
        batches = [session.plan(jobs) for jobs in self.split_arguments(parsed, self.max_batch_size)]
        session.open(session.children)
        try:
            for batch in batches:
                session.run(batch)
        finally:
            session.conclude()
        session.exit()
