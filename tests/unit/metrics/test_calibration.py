"""A temperature that is known is found again; the error that is left, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from anomaly.metrics.calibration import (
    apply_temperature,
    calibration,
    fit_temperature,
    reliability,
)


def drawn(seed: int, images: int = 20_000, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from the probabilities that they stand for."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (images, classes))
    sums = softmax(logits, axis=1).cumsum(1)
    labels = (random.random((images, 1)) > sums).sum(1)
    return logits, np.minimum(labels, classes - 1)


# === Temperature ===


@pytest.mark.parametrize("temperature", [0.2, 0.7, 1.0, 1.8, 6.0])
def test_a_known_temperature_is_recovered(temperature):
    logits, labels = drawn(0)
    too_sure = softmax(logits * temperature, axis=1)
    assert fit_temperature(too_sure, labels) == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_applying_it_divides_the_logits(temperature):
    logits, _ = drawn(0, 50)
    wanted = softmax(logits / temperature, axis=1)
    got = apply_temperature(softmax(logits, axis=1), temperature)
    assert np.abs(got - wanted).max() < 1e-9


def test_temperatures_follow_one_another_as_their_product():
    proba = softmax(drawn(0, 50)[0], axis=1)
    one_by_one = apply_temperature(apply_temperature(proba, 2.0), 0.6)
    assert np.allclose(one_by_one, apply_temperature(proba, 1.2))
    assert np.allclose(apply_temperature(proba, 1.0), proba)


@pytest.mark.parametrize("temperature", [0.05, 0.3, 1.0, 4.0, 20.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_classes_in_a_row_never_changes(seed, temperature):
    proba = np.random.default_rng(seed).dirichlet(np.full(5, 0.3), 300)
    proba[:3] = [[0, 0, 1, 0, 0], [0.5, 0.5, 0, 0, 0], [0.2] * 5]
    scaled = apply_temperature(proba, temperature)
    assert np.isfinite(scaled).all() and scaled.min() >= 0
    assert np.allclose(scaled.sum(1), 1)
    assert np.array_equal(scaled.argmax(1), proba.argmax(1))
    ranked = np.take_along_axis(scaled, proba.argsort(1), 1)
    assert (np.diff(ranked, axis=1) >= 0).all()


def said(sure: float, images: int, right: bool) -> tuple[np.ndarray, np.ndarray]:
    """Images that are all named rightly or all wrongly, with this confidence."""
    labels = np.arange(images) % 3
    named = labels if right else (labels + 1) % 3
    return np.where(np.eye(3)[named] == 1, sure, (1 - sure) / 2), labels


@pytest.mark.parametrize("images", [1, 5, 50, 1000])
@pytest.mark.parametrize("sure", [0.4, 0.9, 0.999, 1.0])
def test_a_validate_part_without_mistakes_gives_a_finite_temperature(sure, images):
    temperature = fit_temperature(*said(sure, images, right=True))
    assert 0 < temperature < np.inf
    assert temperature < 1.01  # nothing says that it was too sure


@pytest.mark.parametrize("images", [1, 7, 300])
@pytest.mark.parametrize("sure", [0.4, 0.9, 0.999, 1.0])
def test_a_validate_part_of_mistakes_alone_gives_one_that_softens(sure, images):
    assert 1 < fit_temperature(*said(sure, images, right=False)) < np.inf


@pytest.mark.parametrize("right", [True, False])
def test_few_images_move_the_temperature_less_than_many(right):
    temperatures = [fit_temperature(*said(0.6, n, right)) for n in (1, 3, 10, 100, 1000)]
    moved = np.abs(np.log(temperatures))
    assert (np.diff(moved) > 0).all() and moved[0] < 0.3


def test_zeros_are_no_trouble():
    proba = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    temperature = fit_temperature(proba, np.array([0, 1, 0, 1]))
    assert 1 < temperature < np.inf
    assert np.isfinite(apply_temperature(proba, temperature)).all()


def test_without_images_nothing_is_scaled():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, np.int64)) == 1


@pytest.mark.parametrize("seed", range(3))
def test_it_makes_probabilities_likelier_as_scikit_learn_measures_it(seed):
    logits, labels = drawn(seed, 400)
    proba = softmax(3 * logits, axis=1)
    scaled = apply_temperature(proba, fit_temperature(proba, labels))
    assert log_loss(labels, scaled) < log_loss(labels, proba)
    assert calibration(labels, scaled)["ece"] < calibration(labels, proba)["ece"]


def test_the_order_of_the_images_does_not_matter():
    logits, labels = drawn(0, 500)
    proba, turned = softmax(logits, axis=1), np.random.default_rng(0).permutation(500)
    assert fit_temperature(proba[turned], labels[turned]) == pytest.approx(
        fit_temperature(proba, labels), rel=1e-6
    )


# === The error that is left ===


def table(*rows: tuple[float, bool]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and two-class probabilities of images named with a confidence, rightly or not."""
    proba = np.array([[sure, 1 - sure] for sure, _ in rows])
    return np.array([0 if right else 1 for _, right in rows]), proba


def test_an_error_counted_by_hand():
    labels, proba = table((0.92, True), (0.98, True), (0.96, False), (0.65, True), (0.55, False))
    # above 0.9: 0.9533 sure, 2 of 3 right; 0.65, right; 0.55, wrong
    gaps = 3 * (0.95333333 - 2 / 3), 1 * (1 - 0.65), 1 * 0.55
    assert calibration(labels, proba)["ece"] == pytest.approx(sum(gaps) / 5)


def test_a_perfectly_calibrated_table_has_no_error():
    tens = [(0.6, n < 6) for n in range(10)] + [(0.9, n < 9) for n in range(10)]
    labels, proba = table(*tens, *[(1.0, True)] * 5)
    assert calibration(labels, proba)["ece"] == pytest.approx(0, abs=1e-12)


def test_certain_and_always_wrong_is_an_error_of_one():
    assert calibration(*table(*[(1.0, False)] * 4))["ece"] == 1


def test_drawn_labels_leave_little_error():
    logits, labels = drawn(1)
    assert calibration(labels, softmax(logits, axis=1))["ece"] < 0.02
    assert calibration(labels, softmax(3 * logits, axis=1))["ece"] > 0.1


def test_images_may_come_in_any_order():
    logits, labels = drawn(0, 300)
    proba, turned = softmax(logits, axis=1), np.random.default_rng(0).permutation(300)
    error = calibration(labels, proba)["ece"]
    assert calibration(labels[turned], proba[turned])["ece"] == pytest.approx(error, abs=1e-12)


def test_without_images_there_is_no_error_to_tell():
    assert calibration(np.zeros(0, np.int64), np.zeros((0, 3))) == {}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bins", [1, 5, 10, 17])
def test_bins_agree_with_scikit_learn(bins, seed):
    logits, labels = drawn(seed, 400)
    proba = softmax(logits, axis=1)
    right = proba.argmax(1) == labels
    accuracy, confidence = calibration_curve(right, proba.max(1), n_bins=bins)
    found = reliability(proba, labels, bins)
    assert found.confidence == pytest.approx(confidence)
    assert found.accuracy == pytest.approx(accuracy)
    assert found.images.sum() == 400 and (found.images > 0).all()


def test_certainty_is_in_the_last_bin_and_not_beyond():
    found = reliability(*reversed(table((1.0, True), (0.95, False))))
    assert [column.tolist() for column in found] == [[0.975], [0.5], [2]]
