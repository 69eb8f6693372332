"""Laws of the one score: perfect is 1, order is nothing, and strangers are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anomaly.masks.boxes import instances
from anomaly.metrics.score import score
from anomaly.types import Detections

COUNTS = {"escapes", "overkill"}
MISTAKES = {*COUNTS, "escape_rate", "overkill_rate", "ece"}


def picked(found: Detections, order) -> Detections:
    return Detections(
        found.boxes[order], found.masks[order], found.scores[order], found.labels[order]
    )


def in_order(predictions, order):
    return replace(
        predictions,
        ids=tuple(predictions.ids[i] for i in order),
        proba=predictions.proba[order],
        heat=predictions.heat[order],
        segmentation=predictions.segmentation[order],
        detections=tuple(predictions.detections[i] for i in order),
    )


def same(a, b) -> bool:
    return (a.values, a.intervals, a.spreads) == (b.values, b.intervals, b.spreads) and (
        a.confusion == b.confusion
    ).all()


def oracle(make, truth):
    found = []
    for label, own in zip(truth.labels, truth.instances, strict=True):
        boxes, masks = instances(own)
        ones = np.ones(len(boxes), np.float32)
        found.append(Detections(boxes.astype(np.float32), masks, ones, np.full(len(boxes), label)))
    return make.predictions(truth, truth.labels, truth.masks, found)


def test_perfect_is_exactly_one(make, case):
    _, truth = case
    values = score(oracle(make, truth), truth).values
    assert {values[name] for name in MISTAKES} == {0}
    assert {value for name, value in values.items() if name not in MISTAKES} == {1}
    assert {"map", "box_map50", "iou", "auroc", "ap.bent", "macro_f1"} <= values.keys()


def test_every_value_is_a_finite_float(case):
    values = score(*case).values
    assert all(type(value) is float and np.isfinite(value) for value in values.values())
    assert all(0 <= value <= 1 for name, value in values.items() if name not in COUNTS)


def test_images_may_come_in_any_order(case):
    predictions, truth = case
    expected = score(predictions, truth)
    for seed in range(3):
        a, b = (np.random.default_rng([seed, i]).permutation(len(truth.ids)) for i in (0, 1))
        ids = tuple(truth.ids[i] for i in b)
        shuffled = replace(truth, ids=ids, labels=truth.labels[b], instances=truth.instances[b])
        assert same(score(in_order(predictions, a), shuffled), expected)


def test_detections_may_come_in_any_order_even_when_tied(case):
    predictions, truth = case
    tied = tuple(replace(d, scores=np.round(d.scores, 0)) for d in predictions.detections)
    turned = tuple(picked(d, np.s_[::-1]) for d in tied)
    expected = score(replace(predictions, detections=tied), truth)
    assert same(score(replace(predictions, detections=turned), truth), expected)


def test_nothing_is_changed(case):
    predictions, truth = case
    before = predictions.proba.copy(), truth.masks.copy(), predictions.detections[1].boxes.copy()
    score(predictions, truth)
    after = predictions.proba, truth.masks, predictions.detections[1].boxes
    assert all(map(np.array_equal, before, after))


def test_other_images_are_refused(case):
    predictions, truth = case
    ids = ("new.png", *truth.ids[1:])
    with pytest.raises(ValueError, match=r"1 \(test/000.png\) without a .* 1 \(new.png\)"):
        score(replace(predictions, ids=ids), truth)


def test_missing_images_are_refused(case):
    predictions, truth = case
    with pytest.raises(
        ValueError, match=r"35 \(test/005.png, .*, \.\.\.\) .* none without a truth"
    ):
        score(in_order(predictions, np.arange(5)), truth)


def test_repeated_images_are_refused(case):
    predictions, truth = case
    with pytest.raises(ValueError, match=r"predictions list .* once: 1 \(test/001.png\)"):
        score(replace(predictions, ids=(truth.ids[1], *truth.ids[1:])), truth)


def test_other_classes_are_refused(case):
    predictions, truth = case
    with pytest.raises(ValueError, match="classes"):
        score(replace(predictions, classes=("good", "broken", "bent", "scratch")), truth)


def test_another_grid_is_refused(make):
    small, large = (make.truth([1], [[(0, 0, 9, 9)]], grid=grid) for grid in (32, 64))
    with pytest.raises(ValueError, match=r"\(32, 32\) pixels, truth on \(64, 64\)"):
        score(make.predictions(small, [1]), large)
    strange = make.detections(((0, 0, 9, 9), 0.5, 1), grid=32)
    with pytest.raises(ValueError, match="grid"):
        score(make.predictions(large, [1], found=[strange]), large)


def test_a_label_that_is_no_class_is_refused(make):
    truth = make.truth([1], [[(0, 0, 9, 9)]])
    found = make.detections(((0, 0, 9, 9), 0.5, 4))
    with pytest.raises(ValueError, match=r"labels \[4\]"):
        score(make.predictions(truth, [1], found=[found]), truth)
