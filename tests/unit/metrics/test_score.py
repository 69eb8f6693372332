"""Laws of the one score: perfect is 1, order is nothing, and what a field lacks is absent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from anomaly.masks.boxes import boxes_of
from anomaly.masks.components import masks_of
from anomaly.metrics.catalogue import figure
from anomaly.metrics.join import join
from anomaly.metrics.score import score
from anomaly.types import FIELDS, Detections, Predictions

COUNTS = {"escapes", "overkill"}
MISTAKES = {*COUNTS, "escape_rate", "overkill_rate", "ece"}


def picked(found: Detections, order) -> Detections:
    return Detections(
        found.boxes[order], found.masks[order], found.scores[order], found.labels[order]
    )


def same(a, b) -> bool:
    return (a.values, a.intervals, a.spreads) == (b.values, b.intervals, b.spreads) and (
        a.confusion == b.confusion
    ).all()


def oracle(make, truth):
    found = []
    for label, own in zip(truth.labels, truth.instances, strict=True):
        masks = masks_of(own)
        ones = np.ones(len(masks), np.float32)
        found.append(Detections(boxes_of(masks), masks, ones, np.full(len(masks), label)))
    return make.predictions(truth, truth.labels, truth.masks, found)


def test_perfect_is_exactly_one(make, case):
    _, truth = case
    values = score(join(oracle(make, truth), truth)).values
    assert {values[name] for name in MISTAKES} == {0}
    assert {value for name, value in values.items() if name not in MISTAKES} == {1}
    assert {"map", "box_map50", "iou", "auroc", "ap.bent", "macro_f1"} <= values.keys()


def test_every_value_is_a_finite_float(case):
    values = score(join(*case)).values
    assert all(type(value) is float and np.isfinite(value) for value in values.values())
    assert all(0 <= value <= 1 for name, value in values.items() if name not in COUNTS)


def test_images_may_come_in_any_order(case):
    predictions, truth = case
    expected = score(join(predictions, truth))
    for seed in range(3):
        a, b = (np.random.default_rng([seed, i]).permutation(len(truth.ids)) for i in (0, 1))
        ids = tuple(truth.ids[i] for i in b)
        shuffled = replace(truth, ids=ids, labels=truth.labels[b], instances=truth.instances[b])
        assert same(score(join(predictions.select(a), shuffled)), expected)


def test_detections_may_come_in_any_order_even_when_tied(case):
    predictions, truth = case
    tied = tuple(replace(d, scores=np.round(d.scores, 0)) for d in predictions.detections)
    turned = tuple(picked(d, np.s_[::-1]) for d in tied)
    expected = score(join(replace(predictions, detections=tied), truth))
    assert same(score(join(replace(predictions, detections=turned), truth)), expected)


def test_nothing_is_changed(case):
    predictions, truth = case
    before = predictions.proba.copy(), truth.masks.copy(), predictions.detections[1].boxes.copy()
    score(join(predictions, truth))
    after = predictions.proba, truth.masks, predictions.detections[1].boxes
    assert all(map(np.array_equal, before, after))


@pytest.mark.parametrize("field", FIELDS)
def test_a_figure_is_absent_where_a_field_that_it_needs_is(field, case):
    predictions, truth = case
    every = score(join(predictions, truth)).values
    lacking = replace(predictions, **{field: None})
    wanted = {
        name: value
        for name, value in every.items()
        if any(getattr(lacking, need) is not None for need in figure(name).needs)
    }
    left = score(join(lacking, truth))
    assert left.values == wanted
    assert (left.intervals.keys() | left.spreads.keys()) <= wanted.keys()
    assert (left.confusion is None) == (field == "proba")


def test_of_images_alone_nothing_is_told(case):
    predictions, truth = case
    nothing = Predictions(predictions.ids, predictions.classes)
    assert score(join(nothing, truth)).values == {}


def test_auroc_ranks_by_the_score_where_there_is_one(case):
    predictions, truth = case
    ranks = np.random.default_rng(0).normal(5, 3, len(truth.ids)).astype(np.float32)
    wanted = roc_auc_score(truth.labels > 0, ranks)
    without = score(join(predictions, truth)).values
    scored = replace(predictions, score=ranks)
    assert score(join(scored, truth)).values == {**without, "auroc": pytest.approx(wanted)}
    gate = Predictions(predictions.ids, predictions.classes, score=ranks)
    assert score(join(gate, truth)).values == {"auroc": pytest.approx(wanted)}


def test_without_a_score_auroc_ranks_by_the_probability_of_a_defect(case):
    predictions, truth = case
    wanted = roc_auc_score(truth.labels > 0, 1 - predictions.proba[:, 0])
    assert score(join(predictions, truth)).values["auroc"] == wanted
