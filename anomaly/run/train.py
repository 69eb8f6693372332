"""The training entrypoint: from a command line to a run, or to a sweep of them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

import hydra
from omegaconf import DictConfig

from anomaly.config.command_line import for_hydra, refuse_blank_folders, refuse_several_sweeps
from anomaly.config.explain import contained, explained
from anomaly.config.job import current_job, in_sweep, place_in_sweep
from anomaly.config.parse import parse, register
from anomaly.config.paths import CONF
from anomaly.runtime import share_machine, signals

log = logging.getLogger(__name__)


def main(words: Sequence[str]) -> None:
    """Train, evaluate and record what a command line such as ["model=tiny", "-m", "seed=0,1"] says.

    Exits with one sentence where the user can correct what failed.
    """
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra passes errors on, to be explained here
    register()
    with explained():
        sys.argv[1:] = for_hydra(_expanded(words))  # which Hydra reads
        refuse_blank_folders(sys.argv[1:])
        refuse_several_sweeps(sys.argv[1:])
        _train()


def _expanded(words: Sequence[str]) -> Sequence[str]:
    """The command line; refit=RUN stands for the settings of that run."""
    if not any(word.startswith("refit=") for word in words):
        return words
    from anomaly.run.refit import expanded  # looks the run up in MLflow, which takes seconds

    return expanded(words)


@hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")
def _train(config: DictConfig) -> float:
    """One job: in a sweep its objective goes back to the sweeper, and its failure too."""
    signals.raise_on_sigterm()
    several = in_sweep()
    with contained(log) if several else explained():
        if several:
            share_machine.divide(*place_in_sweep())
        run = parse(config)
        from anomaly.run import workflow  # only now: a mistake is refused before TensorFlow loads

        return workflow.run(run, current_job())
