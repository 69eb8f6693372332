"""The operating point: laws of the sorting threshold, and decisions counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from anomaly.metrics.calibration import apply_temperature, calibration
from anomaly.metrics.join import join
from anomaly.metrics.operating import (
    DECISIONS,
    OperatingPoint,
    calibrated,
    choose,
    decisions,
    sorting_threshold,
)
from anomaly.metrics.score import score

RATES = (0.0, 0.01, 0.1, 1 / 3, 0.5, 0.9, 0.999)
AS_IT_IS = {"calibrate": False, "max_escape_rate": 0.0, "reject_below": 0.9}


def drawn(seed: int, good: int = 60, defective: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties that overlap, and which of the parts are defective."""
    random = np.random.default_rng(seed)
    truth = np.arange(good + defective) >= good
    return np.round(random.beta(1 + 3 * truth, 4 - 3 * truth), 2), truth


def rates(score: np.ndarray, truth: np.ndarray, threshold: float) -> tuple[float, float]:
    """The shares of the defective that escape, and of the good that are sorted out."""
    out = score >= threshold
    return (~out)[truth].mean(), out[~truth].mean()


# === Sorting threshold ===


@pytest.mark.parametrize("defective", [1, 2, 3, 10, 30])
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", range(3))
def test_no_more_than_the_allowed_share_escapes(seed, rate, defective):
    score, truth = drawn(seed, defective=defective)
    threshold = sorting_threshold(score, truth, rate)
    assert rates(score, truth, threshold)[0] <= rate
    assert 0 <= threshold <= 1


def test_where_nearly_all_may_escape_the_surest_one_is_still_sorted_out():
    score, truth = np.array([0.2, 0.5, 0.9]), np.array([False, True, True])
    assert sorting_threshold(score, truth, 1 - 1e-10) == pytest.approx(0.7)


@pytest.mark.parametrize("seed", range(5))
def test_allowing_more_escapes_never_sorts_out_more_good_parts(seed):
    score, truth = drawn(seed)
    thresholds = [sorting_threshold(score, truth, rate) for rate in RATES]
    assert (np.diff(thresholds) >= 0).all()
    assert (np.diff([rates(score, truth, t)[1] for t in thresholds]) <= 0).all()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", range(3))
def test_no_threshold_that_scikit_learn_knows_sorts_out_fewer_good_parts(seed, rate):
    score, truth = drawn(seed)
    overkill, caught, _ = roc_curve(truth, score, drop_intermediate=False)
    least = overkill[1 - caught <= rate + 1e-9].min()
    assert rates(score, truth, sorting_threshold(score, truth, rate))[1] == pytest.approx(least)


def test_the_threshold_is_in_the_middle_of_the_gap():
    score, truth = np.array([0.1, 0.2, 0.6, 0.9]), np.array([False, False, True, True])
    assert sorting_threshold(score, truth, 0) == pytest.approx(0.4)
    assert sorting_threshold(score, truth, 0.5) == pytest.approx(0.75)


def test_the_gap_is_to_the_next_part_below_whatever_it_is():
    score, truth = np.array([0.1, 0.5, 0.7, 0.8]), np.array([True, False, False, True])
    assert sorting_threshold(score, truth, 0.5) == pytest.approx(0.75)


def test_where_all_parts_are_sorted_out_half_the_lowest_is_the_middle():
    assert sorting_threshold(np.array([0.4, 0.6]), np.array([True, False]), 0) == 0.2
    assert sorting_threshold(np.array([0.4, 0.6]), np.array([True, True]), 0) == 0.2


def test_a_defect_that_scores_like_good_parts_takes_them_along():
    score, truth = np.array([0.3, 0.3, 0.3, 0.8]), np.array([False, False, True, True])
    assert rates(score, truth, sorting_threshold(score, truth, 0)) == (0, 1)
    assert rates(score, truth, sorting_threshold(score, truth, 0.5)) == (0.5, 0)


def test_without_a_defect_the_threshold_is_a_half():
    assert sorting_threshold(np.array([0.1, 0.9]), np.array([False, False]), 0) == 0.5
    assert sorting_threshold(np.zeros(0), np.zeros(0, bool), 0) == 0.5


def test_the_order_of_the_parts_does_not_matter():
    score, truth = drawn(0)
    turned = np.random.default_rng(0).permutation(len(score))
    for rate in RATES:
        assert sorting_threshold(score[turned], truth[turned], rate) == sorting_threshold(
            score, truth, rate
        )


# === Choosing on validate ===


def test_the_threshold_holds_for_the_calibrated_probabilities(case):
    predictions, truth = case
    for rate in RATES:
        options = AS_IT_IS | {"calibrate": True, "max_escape_rate": rate}
        point = choose(join(predictions, truth), **options)
        told = decisions(join(calibrated(predictions, point), truth), point)
        escaped, defective = told["sorting_escape_rate"]
        assert escaped / defective <= rate


def test_calibration_changes_no_class_and_less_error_is_left(case):
    predictions, truth = case
    point = choose(join(predictions, truth), **AS_IT_IS | {"calibrate": True})
    told = calibrated(predictions, point)
    assert np.array_equal(told.labels, predictions.labels)
    assert np.array_equal(told.proba, apply_temperature(predictions.proba, point.temperature))
    before, after = (calibration(truth.labels, p.proba)["ece"] for p in (predictions, told))
    assert after < before
    assert told.heat is predictions.heat and told.detections is predictions.detections


def test_without_calibration_probabilities_are_left_as_they_are(case):
    predictions, truth = case
    point = choose(join(predictions, truth), **AS_IT_IS)
    assert (point.temperature, point.reject_below) == (1, 0.9)
    assert np.allclose(calibrated(predictions, point).proba, predictions.proba, atol=1e-12)


def test_predictions_and_truth_are_joined_by_id_and_never_by_position(case):
    predictions, truth = case
    turned = predictions.select(np.random.default_rng(0).permutation(len(truth.ids)))
    for calibrate in (True, False):
        options = AS_IT_IS | {"calibrate": calibrate}
        point = choose(join(predictions, truth), **options)
        assert choose(join(turned, truth), **options) == point
        assert decisions(join(turned, truth), point) == decisions(join(predictions, truth), point)


def test_other_images_are_refused(case):
    predictions, truth = case
    strange = replace(truth, ids=("new.png", *truth.ids[1:]))
    with pytest.raises(ValueError, match=r"new\.png"):
        choose(join(predictions, strange), **AS_IT_IS)
    with pytest.raises(ValueError, match=r"new\.png"):
        decisions(join(predictions, strange), OperatingPoint(1, 0.5, 0.9))


# === Decisions ===


@pytest.fixture
def six(make):
    """Six images: good, good, good, bent, bent, broken, and what is said of them."""
    truth = make.truth([0, 0, 0, 1, 1, 2], [[]] * 6, classes=("good", "bent", "broken"))
    proba = np.array(
        [
            [0.95, 0.03, 0.02],
            [0.70, 0.20, 0.10],
            [0.40, 0.35, 0.25],  # good, but said to be defective by 0.6
            [0.10, 0.90, 0.00],
            [0.75, 0.20, 0.05],  # bent, but said to be defective by 0.25 only
            [0.05, 0.92, 0.03],  # broken, called bent
        ]
    )
    return make.predictions(truth, None, proba=proba), truth


def test_decisions_counted_by_hand(six):
    assert decisions(join(*six), OperatingPoint(1, 0.5, 0.9)) == {
        "sorting_escape_rate": (1, 3),
        "sorting_overkill_rate": (1, 3),
        "coverage": (3, 6),
        "kept_accuracy": (2, 3),
    }
    assert decisions(join(*six), OperatingPoint(1, 0.25, 0.72)) == {
        "sorting_escape_rate": (0, 3),
        "sorting_overkill_rate": (2, 3),
        "coverage": (4, 6),
        "kept_accuracy": (2, 4),
    }


def test_whoever_sends_nothing_to_a_person_covers_everything(six):
    told = decisions(join(*six), OperatingPoint(1, 0.5, 0))
    assert told["coverage"] == (6, 6)
    assert told["kept_accuracy"] == (4, 6)  # the accuracy itself


def test_a_higher_demand_never_covers_more(case):
    covered = [
        decisions(join(*case), OperatingPoint(1, 0.5, reject))["coverage"][0]
        for reject in np.linspace(0, 1, 21)
    ]
    assert covered == sorted(covered, reverse=True)


def test_a_share_of_nothing_is_absent(make, six):
    predictions, truth = six
    assert "kept_accuracy" not in decisions(join(predictions, truth), OperatingPoint(1, 0.5, 1))
    good = replace(truth, labels=np.zeros(6, np.int64))
    assert "sorting_escape_rate" not in decisions(
        join(predictions, good), OperatingPoint(1, 0.5, 0.9)
    )
    bent = replace(truth, labels=np.ones(6, np.int64))
    assert "sorting_overkill_rate" not in decisions(
        join(predictions, bent), OperatingPoint(1, 0.5, 0.9)
    )
    nothing = make.truth([], [], classes=("good", "bent", "broken"))
    said = make.predictions(nothing, None, proba=np.zeros((0, 3)))
    assert decisions(join(said, nothing), OperatingPoint(1, 0.5, 0.9)) == {}


def test_decisions_become_shares_with_their_evidence(six):
    told = decisions(join(*six), OperatingPoint(1, 0.5, 0.9))
    assert tuple(told) == DECISIONS
    scores = score(join(*six), told)
    for name, (hits, count) in told.items():
        assert scores.values[name] == hits / count
        interval = scores.intervals[name]
        assert (interval.hits, interval.total) == (hits, count)
        assert interval.low <= hits / count <= interval.high
