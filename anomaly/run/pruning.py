"""Trials of a search that fall behind the median of the others are given up (Golovin et al., KDD 2017)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from anomaly.config.schema import RunConfig
from anomaly.errors import Pruned

if TYPE_CHECKING:
    from optuna.trial import Trial

    from anomaly.model.learner import Report

FILE = "trials.json"  # in the sweep's folder
LOOKS = 20  # at a training, however many epochs it has: trials are compared at equal shares of it
PATIENCE = LOOKS // 4  # looks before which none is given up
FIRST = 5  # trials that run to their end, to be compared with


class Watch:
    """Takes the figures of epochs; raises Pruned where half of the other trials were better by then."""

    def __init__(self, trial: Trial, figure: str, epochs: int, report: Report) -> None:
        self.trial, self.figure, self.epochs, self.report = trial, figure, epochs, report
        self.looked = 0

    def __call__(self, epoch: int, values: Mapping[str, float]) -> None:
        self.report(epoch, values)
        look = LOOKS * (epoch + 1) // self.epochs
        if self.figure not in values or look <= self.looked:
            return
        self.looked = look
        self.trial.report(values[self.figure], look)
        if look < LOOKS and self.trial.should_prune():
            raise Pruned(
                f"given up after {epoch + 1} of {self.epochs} epochs: {self.figure}"
                f" {values[self.figure]:.3f} is behind half of the other trials"
            )


def announce(sweep: Path, storage: str, study: str, trials: Mapping[str, int]) -> None:
    """Leave word for the jobs: which trial each is, by its identity."""
    content = {"storage": storage, "study": study, "trials": dict(trials)}
    (sweep / FILE).write_text(json.dumps(content))


def watched(sweep: str | None, identity: str, config: RunConfig, report: Report) -> Report:
    """`report`, or where this job is a trial one that may give it up.

    That takes an objective that epochs have a figure of: val/accuracy or val/map.
    """
    try:
        known = json.loads((Path(sweep or "") / FILE).read_text())
        number = known["trials"][identity]
    except (OSError, ValueError, KeyError):  # no search, or none that prunes
        return report
    trial = _trial(known["storage"], known["study"], number)
    epochs = config.trainer.epochs + config.trainer.finetune.epochs
    return Watch(trial, config.objective.replace("/", "_"), epochs, report)


def _trial(storage: str, name: str, number: int) -> Trial:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=FIRST, n_warmup_steps=PATIENCE)
    study = optuna.load_study(study_name=name, storage=storage, pruner=pruner)
    trials = study.get_trials(deepcopy=False)
    return optuna.trial.Trial(study, trials[number]._trial_id)
