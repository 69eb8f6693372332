"""Predictions beside truth: sorted, not copied without need, and strangers are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anomaly.metrics.join import join


def shuffled(case, seed: int):
    """The same images, in two other orders."""
    predictions, truth = case
    random = np.random.default_rng(seed)
    here, there = random.permutation(len(truth.ids)), random.permutation(len(truth.ids))
    ids = tuple(truth.ids[place] for place in there)
    turned = replace(truth, ids=ids, labels=truth.labels[there], instances=truth.instances[there])
    return predictions.select(here), turned


def test_what_is_sorted_is_taken_as_it_is(case):
    joined = join(*case)
    assert (joined.predictions, joined.truth) == case
    assert joined.predictions is case[0] and joined.truth is case[1]


@pytest.mark.parametrize("seed", range(3))
def test_every_row_is_one_image_whatever_the_order(seed, case):
    joined, (predictions, truth) = join(*shuffled(case, seed)), case
    assert joined.predictions.ids == joined.truth.ids == tuple(sorted(truth.ids))
    for name in ("proba", "heat", "segmentation"):
        assert np.array_equal(getattr(joined.predictions, name), getattr(predictions, name))
    assert all(
        map(
            np.array_equal,
            (joined.truth.labels, joined.truth.instances),
            (truth.labels, truth.instances),
        )
    )
    assert [len(d) for d in joined.predictions.detections] == [
        len(d) for d in predictions.detections
    ]


def test_instances_are_judged_once(case):
    joined = join(*case)
    assert joined.judged is not None and joined.judged is joined.judged


def test_without_detections_nothing_is_judged(case):
    predictions, truth = case
    assert join(replace(predictions, detections=None), truth).judged is None


@pytest.mark.parametrize("field", ["heat", "segmentation"])
def test_absent_fields_join_too(field, case):
    predictions, truth = shuffled(case, 0)
    assert getattr(join(replace(predictions, **{field: None}), truth).predictions, field) is None


# === Refusals ===


def test_other_images_are_refused(case):
    predictions, truth = case
    ids = ("new.png", *truth.ids[1:])
    with pytest.raises(ValueError, match=r"1 \(test/000.png\) without a .* 1 \(new.png\)"):
        join(replace(predictions, ids=ids), truth)


def test_missing_images_are_refused(case):
    predictions, truth = case
    with pytest.raises(
        ValueError, match=r"35 \(test/005.png, .*, \.\.\.\) .* none without a truth"
    ):
        join(predictions.select(range(5)), truth)


def test_repeated_images_are_refused(case):
    predictions, truth = case
    with pytest.raises(ValueError, match=r"predictions list .* once: 1 \(test/001.png\)"):
        join(replace(predictions, ids=(truth.ids[1], *truth.ids[1:])), truth)


def test_other_classes_are_refused(case):
    predictions, truth = case
    with pytest.raises(ValueError, match="classes"):
        join(replace(predictions, classes=("good", "broken", "bent", "scratch")), truth)


def test_another_grid_is_refused(make):
    small, large = (make.truth([1], [[(0, 0, 9, 9)]], grid=grid) for grid in (32, 64))
    with pytest.raises(ValueError, match=r"\(32, 32\) pixels, truth on \(64, 64\)"):
        join(make.predictions(small, [1]), large)
    strange = make.detections(((0, 0, 9, 9), 0.5, 1), grid=32)
    with pytest.raises(ValueError, match="grid"):
        join(make.predictions(large, [1], found=[strange]), large)


def test_a_label_that_is_no_class_is_refused(make):
    truth = make.truth([1], [[(0, 0, 9, 9)]])
    found = make.detections(((0, 0, 9, 9), 0.5, 4))
    with pytest.raises(ValueError, match=r"labels \[4\]"):
        join(make.predictions(truth, [1], found=[found]), truth)
