"""Images drawn anew: against images really repeated, and scipy's bootstrap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from anomaly.metrics import bootstrap
from anomaly.metrics.average_precision import average_precisions, judge
from anomaly.metrics.join import join
from anomaly.metrics.score import score


def repeated(predictions, truth, times):
    """The images so often each, as a data set that really holds them."""
    rows = np.repeat(np.arange(len(times)), times)
    ids = tuple(f"{n}.png" for n in range(len(rows)))
    return (
        replace(predictions.select(rows), ids=ids),
        replace(truth, ids=ids, labels=truth.labels[rows], instances=truth.instances[rows]),
    )


@pytest.mark.parametrize("draw", range(5))
def test_a_draw_scores_like_images_that_are_really_there_so_often(case, draw):
    predictions, truth = case
    drawn = bootstrap.draws(truth)[draw : draw + 1]
    found = bootstrap.of_average_precisions(judge(truth, predictions.detections), drawn)
    found |= bootstrap.of_means({"iou": score_iou(predictions, truth)}, drawn)
    values = score(join(*repeated(predictions, truth, drawn[0]))).values
    assert found.keys() <= values.keys() and {"map", "box_map50", "ap.bent"} <= found.keys()
    assert {name: low for name, (low, _) in found.items()} == pytest.approx(
        {name: values[name] for name in found}, abs=1e-9
    )


def score_iou(predictions, truth):
    both = (truth.masks & predictions.segmentation).sum((1, 2))
    either = (truth.masks | predictions.segmentation).sum((1, 2))
    return np.where(truth.annotated, both / np.maximum(either, 1), np.nan)


def test_each_class_keeps_its_number_of_images(case):
    _, truth = case
    drawn = bootstrap.draws(truth)
    for label in np.unique(truth.labels):
        own = truth.labels == label
        assert (drawn[:, own].sum(1) == own.sum()).all()
        assert drawn[:, own].mean(0) == pytest.approx(1, abs=0.15)


def test_the_spread_of_a_mean_is_scipys():
    figures = np.random.default_rng(1).beta(8, 2, 30)
    drawn = np.random.default_rng(2).multinomial(30, np.full(30, 1 / 30), 5000)
    found = bootstrap.of_means({"iou": figures}, drawn)["iou"]
    theirs = stats.bootstrap(
        (figures,), np.mean, method="percentile", n_resamples=5000, random_state=0
    ).confidence_interval
    assert found == pytest.approx((theirs.low, theirs.high), abs=0.005)


def test_spreads_hold_their_figure_and_stand_for_every_mean_and_no_share(case):
    found = score(join(*case))
    assert {"iou", "map", "map50", "box_map", "box_map50"} <= found.spreads.keys()
    assert not found.spreads.keys() & found.intervals.keys()
    for name, (low, high) in found.spreads.items():
        assert 0 <= low < found.values[name] < high <= 1


def test_a_type_of_which_nothing_is_found_is_surely_0(make):
    truth = make.truth([0, 1, 1], [[], [(4, 4, 24, 24)], [(30, 30, 44, 44)]])
    found = score(join(make.predictions(truth, [0, 1, 1]), truth))
    assert found.spreads["map50"] == (0, 0)


def test_where_nothing_is_annotated_there_is_no_spread(make):
    truth = make.truth([0, 1], [[], []])
    assert score(join(make.predictions(truth, [0, 1]), truth)).spreads == {}
    assert average_precisions(judge(truth, make.predictions(truth, [0, 1]).detections)) == {}


def test_a_defect_without_a_mask_takes_no_place_of_one_with_a_mask(make):
    truth = make.truth([1, 1], [[(4, 4, 24, 24)], []])
    found = score(join(make.predictions(truth, [1, 1], truth.masks), truth))
    assert found.spreads["iou"] == (1, 1)
