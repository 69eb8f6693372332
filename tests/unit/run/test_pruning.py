"""Trials that fall behind are stopped, with a real Optuna study in a file."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from anomaly.errors import Pruned
from anomaly.run import pruning

EPOCHS = 40


@pytest.fixture
def reasons() -> list[str]:
    """The reasons of the trials that were stopped."""
    return []


@pytest.fixture
def search(tmp_path, reasons):
    """search(figures) runs a trial with these validation accuracies; returns the epochs that it had."""
    storage = f"sqlite:///{tmp_path}/studies.db"
    study = optuna.create_study(storage=storage, study_name="s", direction="maximize")

    def run(level: float, objective: str = "val/accuracy") -> int:
        trial = study.ask()
        pruning.announce(tmp_path, storage, "s", {"me": trial.number})
        had: list[int] = []
        report = pruning.watched(
            lambda epoch, values: had.append(epoch), str(tmp_path), "me", objective, EPOCHS
        )
        try:
            for epoch in range(EPOCHS):
                report(epoch, {"loss": 1.0, "val_accuracy": level * epoch})
        except Pruned as error:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            reasons.append(str(error))
        else:
            study.tell(trial, level)
        return len(had)

    return run


def test_what_is_behind_the_median_is_stopped_after_a_quarter_at_the_earliest(search, reasons):
    assert [search(level) for level in (1, 2, 3, 4, 5)] == [EPOCHS] * 5
    assert search(0.5) == EPOCHS // 4
    assert reasons[0].startswith("stopped after 10 of 40 epochs: val_accuracy 4.500 is worse than")
    assert search(2.9) < EPOCHS
    assert search(6) == search(3.5) == EPOCHS


def test_an_objective_that_no_epoch_has_stops_nothing(search):
    assert [search(level, "val/macro_f1") for level in (5, 4, 3, 2, 1, 0)] == [EPOCHS] * 6


@pytest.mark.parametrize("content", [None, "", "{}", '{"trials": {"another": 0}}'])
def test_a_job_of_no_search_reports_as_it_is(content, tmp_path):
    if content is not None:
        Path(tmp_path / pruning.FILE).write_text(content)

    def report(epoch, values):
        """The one that is given."""

    for sweep in (str(tmp_path), None):
        assert pruning.watched(report, sweep, "me", "val/accuracy", EPOCHS) is report
