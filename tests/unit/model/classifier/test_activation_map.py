"""The evidence map: its closed-form gradient against finite differences of the real network."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from anomaly.model.classifier import network
from anomaly.model.classifier.activation_map import blur, by_level, evidence, gradient
from anomaly.model.localise import heat_maps

FEATURES, CLASSES = 6, 4


def heat(evidence: np.ndarray) -> np.ndarray:
    """(h, w) heat of an image that is certainly defective."""
    return heat_maps(blur(evidence)[None], np.array([[0.0, 1.0]]))[0]


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
    for vector, slope in zip(vectors, gradient(model, vectors), strict=True):
        around = np.concatenate(
            [vector + step * np.eye(FEATURES), vector - step * np.eye(FEATURES)]
        )
        up, down = margin(model, around).reshape(2, FEATURES)
        assert np.allclose(slope, (up - down) / (2 * step), atol=1e-3)


def test_the_heat_is_highest_where_the_evidence_is():
    level = np.zeros((8, 8, 2), np.float32)
    level[2, 5, 0] = 1  # speaks for a defect
    level[6, 1, 1] = 1  # speaks against
    hot = heat(evidence([level], [0 * level], [np.float32([1, -1])], 8))
    assert np.unravel_index(hot.argmax(), hot.shape) == (2, 5)
    assert (hot.min(), hot.max()) == (0, 1)
    assert hot[6, 1] == 0


def test_what_good_images_show_too_is_no_evidence():
    good = np.random.default_rng(0).normal(size=(8, 8, 3)).astype(np.float32)
    level = good.copy()
    level[1, 6] += 1
    slope = np.ones(3, np.float32)
    hot = heat(evidence([level], [good], [slope], 64))
    assert hot[8:16, 48:56].min() > 0.4
    assert hot[32:].max() < 1e-3
    assert not heat(evidence([good], [good], [slope], 64)).any()


def test_every_level_is_weighted_by_its_gradient():
    coarse, fine = np.zeros((4, 4, 3), np.float32), np.zeros((8, 8, 2), np.float32)
    coarse[1, 1], fine[6, 6] = 1, 1
    slopes = [np.zeros(3, np.float32), np.float32([0, 1])]
    hot = heat(evidence([coarse, fine], [0 * coarse, 0 * fine], slopes, 8))
    assert np.unravel_index(hot.argmax(), hot.shape) == (6, 6)
    assert not hot[:4, :4].any()


def test_a_gradient_is_split_by_level_and_summed_over_the_kinds_of_pooling():
    coarse, fine = by_level(np.arange(10, dtype=np.float32), [3, 2], poolings=2)
    assert coarse.tolist() == [0 + 3, 1 + 4, 2 + 5]
    assert fine.tolist() == [6 + 8, 7 + 9]
    (only,) = by_level(np.arange(3, dtype=np.float32), [3], poolings=1)
    assert only.tolist() == [0, 1, 2]


def test_evidence_for_good_gives_no_heat():
    level = np.ones((4, 4, 2), np.float32)
    assert not heat(evidence([level], [0 * level], [np.float32([-1, -1])], 8)).any()
