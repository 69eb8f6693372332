"""The catalogue lists what is scored, and nothing else does."""

from __future__ import annotations

import pytest

from anomaly.metrics import catalogue
from anomaly.metrics.join import join
from anomaly.metrics.operating import DECISIONS, OperatingPoint, decisions
from anomaly.metrics.score import score
from anomaly.types import FIELDS

LOWER = {
    *("escape_rate", "overkill_rate", "escapes", "overkill", "ece"),
    *("sorting_escape_rate", "sorting_overkill_rate"),
}


@pytest.fixture
def names(case) -> set[str]:
    """Every figure of a part in which nothing is missing."""
    joined = join(*case)
    return set(score(joined, decisions(joined, OperatingPoint(1, 0.5, 0.5))).values)


def test_every_figure_that_is_scored_is_listed_and_every_listed_one_is_scored(names, case):
    classes = case[1].classes
    assert names == catalogue.FIGURES.keys() | catalogue.of_classes(classes).keys()
    assert set(DECISIONS) <= catalogue.FIGURES.keys()


def test_every_figure_has_a_meaning_and_needs_fields_of_predictions(names):
    for figure in map(catalogue.figure, names):
        assert figure.meaning and figure.needs and set(figure.needs) <= set(FIELDS)


def test_mistakes_are_better_when_they_are_low(names):
    assert {name for name in names if catalogue.lower_is_better(f"val/{name}")} == LOWER
    assert catalogue.lower_is_better("ece")
    assert not catalogue.lower_is_better("val/ece_count")
    assert not catalogue.lower_is_better("epoch/loss")


def test_a_perfect_model_is_at_the_better_end_of_every_figure(make, case):
    truth = case[1]
    perfect = make.predictions(truth, truth.labels)
    values = score(join(perfect, truth)).values
    best = {name: 0.0 if name in LOWER else 1.0 for name in values if name in ("accuracy", *LOWER)}
    assert {name: values[name] for name in best} == best


def test_an_objective_is_a_figure_that_no_run_lacks():
    known = catalogue.objectives(("good", "bent"))
    assert known[0] == "accuracy" and {"map", "recall.good", "ap.bent"} <= set(known)
    absent = {"kept_accuracy", "ap.good", "precision.bent", "escapes", "overkill"}
    assert not absent & set(known)


def test_a_class_may_have_a_dot_in_its_name():
    assert catalogue.figure("test/recall.size 1.5 mm") == catalogue.OF_A_CLASS["recall"]
    assert catalogue.figure("val/accuracy") == catalogue.FIGURES["accuracy"]
    assert catalogue.figure("val/unheard") is None


def test_tracking_takes_the_name_of_any_class():
    assert catalogue.metric("val", "recall.größer, 1 %") == "val/recall.größer_ 1 _"
    assert catalogue.metric("test", "iou", catalogue.LOW) == "test/iou_low"


@pytest.mark.parametrize(
    "metric, tells, has",
    [
        ("val/accuracy", {"types"}, True),
        ("val/accuracy", {"score", "heat"}, False),
        ("val/auroc", {"score"}, True),
        ("val/iou", {"score"}, False),
        ("val/recall.hole", {"types", "heat"}, True),
        ("val/ap.hole", {"types", "heat"}, False),
    ],
)
def test_a_figure_is_had_by_learners_that_tell_what_it_needs(metric, tells, has):
    assert catalogue.told_by(metric, tells) == has
