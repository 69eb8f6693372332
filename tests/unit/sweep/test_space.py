"""Hydra's sweep syntax, drawn from a real Optuna study."""

from __future__ import annotations

import optuna
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from anomaly.sweep.space import suggest, typed


def draws(text: str) -> set:
    override = OverridesParser.create().parse_override(f"key={text}")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return {suggest(study.ask(), "key", override) for _ in range(60)}


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def test_choices_and_ranges_are_all_drawn_and_nothing_else():
    assert draws("choice(dense, svm)") == {"dense", "svm"}
    assert draws("range(1, 4)") == {1, 2, 3}


def test_intervals_hold_numbers_of_their_kind_and_a_log_one_spreads_over_decades():
    assert draws("int(interval(1, 3))") == {1, 2, 3}
    rates = draws("tag(log, interval(1e-4, 1e-2))")
    assert all(1e-4 <= rate <= 1e-2 for rate in rates)
    assert 15 < sum(rate < 1e-3 for rate in rates) < 45  # the middle decade mark halves them


def test_numbers_are_short_enough_to_be_typed():
    assert typed(0.00061241687) == 0.0006124 and typed(3) == 3 and typed("svm") == "svm"
