"""The evidence map: its closed-form gradient against finite differences of the real network."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pytest

from anomaly.model.answers.localise import heat_maps
from anomaly.model.classifier import network
from anomaly.model.classifier.activation_map import (
    BLUR,
    by_level,
    evidence,
    logits_and_gradient,
    spread,
)

FEATURES, CLASSES = 6, 4


def heat(levels: list[np.ndarray], good: list[np.ndarray], slopes: list, grid: int) -> np.ndarray:
    """(grid, grid) heat of one view of an image that is certainly defective."""
    total = sum(
        np.asarray(spread(evidence(level[None], reference[None], slope[None]), grid))
        for level, reference, slope in zip(levels, good, slopes, strict=True)
    )
    return heat_maps(total, np.array([[0.0, 1.0]]))[0]


def head(standardise: bool, seed: int) -> keras.Model:
    """A head with random weights everywhere, so that every one of them matters."""
    keras.utils.set_random_seed(seed)
    built = network.head(FEATURES, CLASSES, units=12, dropout=0.5, standardise=standardise)
    random = np.random.default_rng(seed)
    if standardise:
        built.get_layer("standardise").adapt(random.normal(2, 3, (50, FEATURES)).astype(np.float32))
    for name in ("hidden", "logits"):
        layer = built.get_layer(name)
        layer.set_weights([random.normal(size=w.shape) for w in layer.get_weights()])
    return built


def margin(model: keras.Model, vectors: np.ndarray) -> np.ndarray:
    """The logit of the most probable defect type minus that of good, of each vector.

    In float64, so that the step of a difference quotient can be too small to cross the kink of a relu.
    """
    logits = vectors.astype(np.float64)
    for layer in model.layers:
        if layer.name == "standardise":
            logits = (logits - np.asarray(layer.mean)) / np.sqrt(np.asarray(layer.variance))
        if isinstance(layer, keras.layers.Dense):
            kernel, bias = (np.asarray(w, np.float64) for w in layer.get_weights())
            logits = logits @ kernel + bias
            logits = np.maximum(logits, 0) if layer.name == "hidden" else logits
    predicted = np.asarray(model.predict_on_batch(vectors.astype(np.float32)))
    assert np.allclose(logits, predicted, atol=1e-2)
    return logits[:, 1:].max(1) - logits[:, 0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("standardise", [False, True])
def test_the_gradient_is_that_of_the_real_network(standardise, seed):
    model, step = head(standardise, seed), 1e-6
    vectors = np.random.default_rng(9).normal(2, 3, (8, FEATURES)).astype(np.float32)
    slopes = np.asarray(logits_and_gradient(model, vectors)[1])
    for vector, slope in zip(vectors, slopes, strict=True):
        around = np.concatenate(
            [vector + step * np.eye(FEATURES), vector - step * np.eye(FEATURES)]
        )
        up, down = margin(model, around).reshape(2, FEATURES)
        assert np.allclose(slope, (up - down) / (2 * step), atol=1e-3)


def test_the_heat_is_highest_where_the_evidence_is():
    level = np.zeros((8, 8, 2), np.float32)
    level[2, 5, 0] = 1  # speaks for a defect
    level[6, 1, 1] = 1  # speaks against
    hot = heat([level], [0 * level], [np.float32([1, -1])], 8)
    assert np.unravel_index(hot.argmax(), hot.shape) == (2, 5)
    assert (hot.min(), hot.max()) == (0, 1)
    assert hot[6, 1] == 0


def test_what_good_images_show_too_is_no_evidence():
    good = np.random.default_rng(0).normal(size=(8, 8, 3)).astype(np.float32)
    level = good.copy()
    level[1, 6] += 1
    slope = np.ones(3, np.float32)
    hot = heat([level], [good], [slope], 64)
    assert hot[8:16, 48:56].min() > 0.4
    assert hot[32:].max() < 1e-3
    assert not heat([good], [good], [slope], 64).any()


def test_every_level_is_weighted_by_its_gradient():
    coarse, fine = np.zeros((4, 4, 3), np.float32), np.zeros((8, 8, 2), np.float32)
    coarse[1, 1], fine[6, 6] = 1, 1
    slopes = [np.zeros(3, np.float32), np.float32([0, 1])]
    hot = heat([coarse, fine], [0 * coarse, 0 * fine], slopes, 8)
    assert np.unravel_index(hot.argmax(), hot.shape) == (6, 6)
    assert not hot[:4, :4].any()


def test_a_gradient_is_split_by_level_and_summed_over_the_kinds_of_pooling():
    coarse, fine = map(np.asarray, by_level(np.float32([range(10)]), [3, 2], poolings=2))
    assert coarse.tolist() == [[0 + 3, 1 + 4, 2 + 5]]
    assert fine.tolist() == [[6 + 8, 7 + 9]]
    (only,) = by_level(np.float32([range(3)]), [3], poolings=1)
    assert np.asarray(only).tolist() == [[0, 1, 2]]


def test_evidence_for_good_gives_no_heat():
    level = np.ones((4, 4, 2), np.float32)
    assert not heat([level], [0 * level], [np.float32([-1, -1])], 8).any()


@pytest.mark.parametrize(("cells", "grid"), [(8, 64), (20, 256), (7, 100), (16, 8)])
def test_evidence_is_spread_as_opencv_stretches_and_blurs(cells, grid):
    random = np.random.default_rng(0).normal(size=(cells, cells)).astype(np.float32)
    stretched = cv2.resize(random, (grid, grid))
    expected = cv2.GaussianBlur(stretched, (0, 0), BLUR * grid)
    assert np.allclose(np.asarray(spread(random[None], grid))[0], expected, atol=1e-4)


def test_of_types_that_are_equally_probable_all_are_evidence():
    model = head(standardise=False, seed=0)
    kernel, bias = model.get_layer("logits").get_weights()
    kernel[:, 2], bias[2] = kernel[:, 1], bias[1]
    kernel[:, 3], bias[3] = 0, -99
    model.get_layer("logits").set_weights([kernel, bias])
    vectors = np.ones((1, FEATURES), np.float32)
    logits, slopes = map(np.asarray, logits_and_gradient(model, vectors))
    assert np.allclose(logits, model.predict_on_batch(vectors), atol=1e-5)
    assert np.isfinite(slopes).all()
