"""Runs are ranked and compared only with runs that were tested on the same images."""

from __future__ import annotations

import pytest

from anomaly.metrics.mcnemar import Comparison
from anomaly.report.groups import arrange

POOLED = {"role": "pooled", "fold": "all"}
FOLDS = {"data.folds": "3"}
RIGHT = {f"{image}.png": True for image in range(8)}


def but(*wrong: int) -> dict[str, bool]:
    """All images classified correctly but these."""
    return RIGHT | {f"{image}.png": False for image in wrong}


def ids(groups) -> list[list[str]]:
    return [[row.id for row in group.rows] for group in groups]


def unknown(rows) -> dict[str, dict[str, bool]]:
    return {row.id: {} for row in rows}


def test_a_ranking_holds_runs_of_one_split_alone(make):
    rows = [make("a", val=0.5), make("b", val=0.9, split="t"), make("c", val=0.7)]
    assert ids(arrange(rows, unknown(rows), "val/accuracy", None)) == [["c", "a"], ["b"]]


def test_a_run_without_a_split_is_a_group_by_itself(make):
    rows = [make("a", split=""), make("b", split="")]
    assert sorted(ids(arrange(rows, unknown(rows), "val/accuracy", None))) == [["a"], ["b"]]


def test_pooled_runs_come_first_and_single_folds_last(make):
    rows = [
        make("fold1", fold="1", split="u", params=FOLDS),
        make("fold0", fold="0", split="t", params=FOLDS),
        make("single"),
        make("pooled", split="u", params=FOLDS, **POOLED),
    ]
    groups = arrange(rows, unknown(rows) | {"pooled": RIGHT}, "val/accuracy", None)
    assert ids(groups) == [["pooled"], ["single"], ["fold0"], ["fold1"]]
    assert [group.single_fold for group in groups] == [False, False, True, True]


def test_pooled_runs_are_grouped_by_their_images_and_number_of_folds(make):
    """Their tag `split` is that of the fold that happened to end last."""
    rows = [
        make("a", split="t", params=FOLDS, **POOLED),
        make("b", split="u", params=FOLDS, **POOLED),
        make("c", split="u", params={"data.folds": "5"}, **POOLED),
        make("d", split="u", params=FOLDS, **POOLED),
        make("e", split="u", params=FOLDS, **POOLED),
    ]
    other = {"other.png": True}
    outcomes = {"a": RIGHT, "b": but(1), "c": RIGHT, "d": other, "e": {}}
    groups = arrange(rows, outcomes, "val/accuracy", None)
    assert sorted(ids(groups)) == [["a", "b"], ["c"], ["d"], ["e"]]


@pytest.mark.parametrize(
    "metric, order", {"test/accuracy": "hml", "test/ece": "lmh", "test/escape_rate": "lmh"}.items()
)
def test_better_comes_first_and_a_run_without_the_metric_last(metric, order, make):
    values = {"n": None, "l": 0.1, "h": 0.9, "m": 0.5}
    rows = [make(id, metrics={metric: v} if v else {}) for id, v in values.items()]
    (group,) = arrange(rows, unknown(rows), metric, None)
    assert "".join(row.id for row in group.rows) == order + "n"


def test_each_run_is_compared_with_the_best_of_its_group(make):
    rows = [make("a", val=0.9), make("b", val=0.8), make("c", val=0.7)]
    outcomes = {"a": but(1), "b": but(1, 2, 3, 4), "c": but(2)}
    (group,) = arrange(rows, outcomes, "val/accuracy", None)
    assert group.reference.id == "a"
    assert group.comparisons == {"b": Comparison(0, 3, 0.25), "c": Comparison(1, 1, 1.0)}


def test_a_chosen_run_is_the_reference_of_its_group_only(make):
    rows = [make("a", val=0.9), make("b", val=0.8), make("c", val=0.7, split="t")]
    outcomes = {"a": but(1), "b": but(2), "c": RIGHT}
    groups = arrange(rows, outcomes, "val/accuracy", rows[1])
    assert {group.reference.id for group in groups} == {"b", "c"}


def test_runs_without_known_outcomes_are_neither_compared_nor_a_reference(make):
    rows = [make("a", val=0.9), make("b", val=0.8), make("c", val=0.7)]
    outcomes = {"a": {}, "b": RIGHT, "c": {"0.png": True}}
    (group,) = arrange(rows, outcomes, "val/accuracy", None)
    assert group.reference.id == "b" and group.comparisons == {}
    (nobody,) = arrange(rows, unknown(rows), "val/accuracy", None)
    assert nobody.comparisons == {}


def test_titles_say_what_was_tested(make):
    rows = [
        make("a", params=FOLDS, **POOLED),
        make("b", split="0123456789", accuracy=(3, 5)),
        make("c", split="t", fold="1", params=FOLDS),
    ]
    outcomes = {"a": RIGHT, "b": {}, "c": {}}
    assert [group.title for group in arrange(rows, outcomes, "val/accuracy", None)] == [
        "3 folds pooled: 8 test images, each tested by a model not trained on it",
        "Split 01234567: 5 test images",
        "Fold 1 of 3, split t: an unknown number of test images",
    ]
