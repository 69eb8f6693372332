"""The overlap of predicted and true defect pixels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from anomaly.metrics.join import join
from anomaly.metrics.score import score


def iou(make, truth, *drawn):
    masks = np.stack([make.rectangle(*box) for box in drawn])
    called = np.zeros(len(truth.ids), int)
    return score(join(make.predictions(truth, called, masks), truth)).values.get("iou")


def test_random_cases_agree_with_scikit_learn(case):
    predictions, truth = case
    pairs = zip(truth.labels, truth.masks, predictions.segmentation, strict=True)
    each = [jaccard_score(t.ravel(), p.ravel()) for label, t, p in pairs if label]
    assert score(join(predictions, truth)).values["iou"] == pytest.approx(np.mean(each), abs=1e-12)


def test_a_third(make):
    assert iou(make, make.truth([1], [[(0, 0, 10, 10)]]), (5, 0, 15, 10)) == pytest.approx(1 / 3)


def test_the_same_pixels_are_exactly_one_and_others_zero(make):
    truth = make.truth([1], [[(0, 0, 10, 10)]])
    assert iou(make, truth, (0, 0, 10, 10)) == 1
    assert iou(make, truth, (10, 0, 20, 10)) == 0
    assert iou(make, truth, (0, 0, 0, 0)) == 0


def test_it_is_a_mean_over_images_not_over_pixels(make):
    truth = make.truth([1, 2], [[(0, 0, 40, 40)], [(0, 0, 2, 2)]])
    assert iou(make, truth, (0, 0, 40, 40), (9, 9, 11, 11)) == 0.5


def test_good_images_do_not_count(make):
    truth = make.truth([1, 0], [[(0, 0, 10, 10)], []])
    assert iou(make, truth, (0, 0, 10, 10), (0, 0, 40, 40)) == 1


def test_a_defect_without_a_mask_says_nothing(make):
    truth = make.truth([1, 2], [[(0, 0, 10, 10)], []])
    assert iou(make, truth, (0, 0, 10, 10), (0, 0, 40, 40)) == 1
    assert iou(make, make.truth([1], [[]]), (0, 0, 9, 9)) is None


def test_large_masks_do_not_overflow(make):
    side = 512
    truth = make.truth([1], [[(0, 0, side, side)]], grid=side)
    masks = np.stack([make.rectangle(0, 0, side, side // 2, grid=side)])
    assert score(join(make.predictions(truth, [1], masks), truth)).values["iou"] == 0.5
