"""Rows are the results of this project's runs in MLflow."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from anomaly.report.runs import rows
from anomaly.types import Interval


def run(metrics=(), name="demo-tiny", **tags) -> SimpleNamespace:
    """As one of MLflow."""
    info = SimpleNamespace(run_id="id", run_name=name, start_time=1_000)
    return SimpleNamespace(
        info=info, data=SimpleNamespace(tags=tags, params={"seed": "0"}, metrics=dict(metrics))
    )


OURS = {"category": "demo", "role": "member"}


def test_runs_of_other_programs_are_left_out():
    assert [row.name for row in rows([run(), run(role="x"), run(**OURS)])] == ["demo-tiny"]


def test_a_refitted_model_does_not_rank_by_the_figures_of_another_run():
    assert rows([run(category="demo", role="refit")]) == []


def test_training_curves_and_values_that_are_not_finite_are_no_figures():
    metrics = {"epoch/loss": 0.1, "val/auroc": float("nan"), "val/accuracy": 0.5}
    (row,) = rows([run(metrics, **OURS)])
    assert row.metrics == {"val/accuracy": 0.5}


def test_a_share_has_counts_and_an_interval_or_is_none():
    whole = {"test/a": 2 / 3, "test/a_count": 3.0, "test/a_low": 0.2, "test/a_high": 0.9}
    iou = {"test/iou": 0.4, "test/iou_low": 0.3, "test/iou_high": 0.6}
    (row,) = rows([run(whole | iou | {"test/b_count": 3.0}, **OURS)])
    assert row.share("test/a") == Interval(2, 3, 0.2, 0.9)
    assert row.share("test/iou") is None and row.share("test/b") is None
    assert row.spread("test/a") == (0.2, 0.9) and row.spread("test/iou") == (0.3, 0.6)
    assert row.spread("test/b") is None


@pytest.mark.parametrize(
    "fold, pooled, single", [(None, False, False), ("all", True, False), ("2", False, True)]
)
def test_the_tag_fold_tells_what_was_tested(fold, pooled, single):
    (row,) = rows([run(**OURS, **({"fold": fold} if fold else {}))])
    assert (row.pooled, row.single_fold) == (pooled, single)


def test_a_run_without_a_name_has_its_id_as_name():
    assert rows([run(name="", **OURS)])[0].name == "id"
