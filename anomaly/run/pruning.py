"""Stops trials of a search that are worse than the median of the others (Golovin et al., KDD 2017)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from anomaly.errors import Pruned
from anomaly.runtime.files import write_text

if TYPE_CHECKING:
    from optuna.trial import Trial

    from anomaly.model.learner import Report

FILE = "trials.json"  # in the sweep's folder
LOOKS = 20  # comparisons in a training, at equal shares of it however many epochs it has
PATIENCE = LOOKS // 4  # looks before which no trial is stopped
FIRST = 5  # trials that run to their end, for the others to be compared with


class Watch:
    """Passes the figures of epochs on; raises Pruned if the median of the others was better by then."""

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
                f"stopped after {epoch + 1} of {self.epochs} epochs: {self.figure}"
                f" {values[self.figure]:.3f} is worse than the median of the other trials"
            )


def announce(sweep: Path, storage: str, study: str, trials: Mapping[str, int]) -> None:
    """Leave a file that says which trial each job is, by the identity of the job."""
    content = {"storage": storage, "study": study, "trials": dict(trials)}
    write_text(sweep / FILE, json.dumps(content))


def watched(
    report: Report, sweep: str | None, identity: str, objective: str, epochs: int
) -> Report:
    """`report`, or for a trial of a search one that may raise Pruned.

    It does so only if epochs report the objective, as they do val/accuracy and val/map.
    """
    try:
        known = json.loads((Path(sweep or "") / FILE).read_text())
        number = known["trials"][identity]
    except (OSError, ValueError, KeyError):  # no search, or none that prunes
        return report
    trial = _trial(known["storage"], known["study"], number)
    return Watch(trial, objective.replace("/", "_"), epochs, report)


def _trial(storage: str, name: str, number: int) -> Trial:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=FIRST, n_warmup_steps=PATIENCE)
    study = optuna.load_study(study_name=name, storage=storage, pruner=pruner)
    trials = study.get_trials(deepcopy=False)
    return optuna.trial.Trial(study, trials[number]._trial_id)
