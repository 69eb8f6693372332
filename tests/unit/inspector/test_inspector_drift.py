"""Drift is SciPy's distance where nothing is mixed, and forgives another share of defects."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import binom, ks_2samp

from anomaly.inspector.folder.drift import DIFFERENT, FEWEST, Rejections, cumulative, drift, nearest
from anomaly.metrics.intervals import wilson


def goods(generator, count):
    return generator.beta(1, 8, count)


def defects(generator, count):
    return generator.beta(6, 1.5, count)


def mixed(generator, good, bad):
    """Scores and which of them are of defects."""
    scores = np.concatenate([goods(generator, good), defects(generator, bad)])
    return scores, np.arange(good + bad) >= good


@pytest.fixture
def generator():
    return np.random.default_rng(0)


@pytest.mark.parametrize("kind", [False, True])
def test_against_parts_of_one_kind_it_is_the_two_sample_test(generator, kind):
    photos, validate = goods(generator, 60), goods(generator, 34) + 0.05
    expected = ks_2samp(photos, validate, method="asymp")
    outcome = drift(photos, validate, np.full(34, kind))
    assert outcome.distance == pytest.approx(expected.statistic)
    assert outcome.p == pytest.approx(expected.pvalue)
    assert outcome.defects == kind


def test_the_nearest_mixture_is_the_one_of_a_linear_program(generator):
    for _ in range(20):
        validate, defective = mixed(generator, 20, 7)
        photos, _ = mixed(generator, *generator.integers(1, 20, 2))
        grid = np.unique(np.concatenate([photos, validate]))
        parts = (photos, validate[~defective], validate[defective])
        here, good, bad = (cumulative(scores, grid) for scores in parts)
        # Smallest t with |here - good - s (bad - good)| <= t, over s in 0..1.
        slope, one = bad - good, np.ones(len(grid))
        bounds = np.concatenate([here - good, good - here])
        sides = np.block([[slope[:, None], one[:, None]], [-slope[:, None], one[:, None]]])
        best = linprog([0, 1], -sides, -bounds, bounds=[(0, 1), (0, None)])
        share = nearest(here, good, bad)
        assert np.abs(here - good - share * slope).max() == pytest.approx(best.fun, abs=1e-5)


@pytest.mark.parametrize("copies", [1, 3, 40])
def test_another_share_of_the_same_defects_is_no_drift(generator, copies):
    validate, defective = mixed(generator, 30, 10)
    photos = np.concatenate([validate[~defective], np.repeat(validate[defective], copies)])
    outcome = drift(photos, validate, defective)
    assert outcome.distance == pytest.approx(0, abs=1e-5)
    assert outcome.defects == pytest.approx(10 * copies / (30 + 10 * copies), abs=1e-4)
    assert outcome.differs is False


@pytest.mark.parametrize("share", [0, 0.2, 1])
def test_photos_like_validates_are_seldom_called_different(generator, share):
    alarms = 0
    for _ in range(300):
        bad = generator.binomial(60, share)
        photos, _ = mixed(generator, 60 - bad, bad)
        alarms += drift(photos, *mixed(generator, 34, 9)).p < 0.05
    assert alarms <= 0.05 * 300


def test_only_the_order_of_scores_counts(generator):
    validate, defective = mixed(generator, 30, 10)
    photos, _ = mixed(generator, 40, 3)
    plain = drift(photos, validate, defective)
    curved = drift(1000 * photos**3, 1000 * validate**3, defective)
    assert (plain.distance, plain.p, plain.defects) == (curved.distance, curved.p, curved.defects)
    turned = drift(photos[::-1], validate[::-1], defective[::-1])
    assert (plain.distance, plain.p) == (turned.distance, turned.p)


def test_scores_that_neither_good_nor_defective_parts_have_differ(generator):
    validate, defective = mixed(generator, 34, 9)
    outcome = drift(generator.uniform(0.35, 0.5, 60), validate, defective)
    assert outcome.differs is True and outcome.p < DIFFERENT
    assert "differ" in outcome.sentences[0] and "light, camera" in outcome.sentences[0]
    assert "p < 0.001" in outcome.sentences[0]


def test_goods_that_all_look_defective_hide_in_the_mixture_but_not_among_the_rejected(generator):
    validate, defective = mixed(generator, 34, 30)
    outcome = drift(defects(generator, 60), validate, defective, Rejections((60, 60), (0, 34)))
    assert outcome.differs is False and outcome.defects > 0.9
    assert outcome.sentences[1] == (
        "60 of 60 photos do not pass as good; of validate's 0 of 34 do not (p < 0.001):"
        " there are more defects than in validate, or light, camera or parts have changed."
    )


@pytest.mark.parametrize("out", [0, 5, 12, 60])
def test_rejections_are_tested_by_the_binomial_law(out):
    rejections = Rejections((out, 60), (1, 34))
    expected = binom(60, wilson(1, 34).high).sf(out - 1)
    assert rejections.p == pytest.approx(expected)
    assert ("have changed" in rejections.sentence) == (expected < DIFFERENT)


def test_no_good_part_of_validate_sorted_out_does_not_make_the_first_photo_an_alarm():
    assert "have changed" not in Rejections((2, 40), (0, 34)).sentence


def test_few_photos_are_too_few_to_tell(generator):
    validate = mixed(generator, 34, 9)
    few = drift(np.full(FEWEST - 1, 0.4), *validate, Rejections((19, 19), (0, 34)))
    assert few.differs is None
    assert few.sentences == [
        "19 photos are too few to tell whether light or parts have changed; 20 or more can show it."
    ]
    assert drift(np.full(FEWEST, 0.4), *validate).differs is True
    assert drift(np.array([0.4]), *validate).differs is None


def test_curves_end_at_one_and_never_fall(generator):
    photos, (validate, defective) = goods(generator, 25), mixed(generator, 34, 9)
    scores, here, mixture = drift(photos, validate, defective).curves
    assert (np.diff(scores) > 0).all()
    for curve in (here, mixture):
        assert (np.diff(curve) >= 0).all() and curve[-1] == pytest.approx(1)
    assert here[scores == photos.min()] == pytest.approx(1 / 25)
