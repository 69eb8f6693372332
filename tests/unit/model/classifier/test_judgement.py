"""The network from maps to answer: against numpy and OpenCV, and as one graph with the photo's views."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pytest
from scipy.special import softmax

from anomaly.backbone import tiny
from anomaly.cache.store import NoCache
from anomaly.data.images import photo
from anomaly.model.answers.localise import answer, heat_maps
from anomaly.model.classifier import network
from anomaly.model.classifier.activation_map import BLUR, by_level, logits_and_gradient
from anomaly.model.classifier.inference import Inference
from anomaly.model.classifier.maps import Maps
from anomaly.model.classifier.views import turned_back, view_of
from anomaly.model.pictures import turn, turn_back

GRID, VIEWS, LEVELS, POOLING = 32, 8, ["C3", "C4"], ["avg", "max"]
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def inference() -> Inference:
    """With random weights in a dense head, and random good parts."""
    keras.utils.set_random_seed(0)
    backbone = tiny.build(image_size=64, width=4, weights=None)
    features = network.pool(backbone, LEVELS, POOLING)
    size = features.output_shape[-1]
    head = network.head(size, 4, units=16, dropout=0.2, standardise=True)
    random = np.random.default_rng(1)
    head.get_layer("standardise").adapt(random.normal(1, 2, (50, size)).astype(np.float32))
    maps = Maps(features, LEVELS, VIEWS, NoCache())
    good = [
        np.float32(random.uniform(0, 1, level.shape)) for level in next(maps([photo(PIXELS[0])]))
    ]
    return Inference(maps, head, POOLING, good)


def by_numpy(inference: Inference, maps: list[np.ndarray], good: list) -> tuple:
    """Probabilities and heat of one photo, view by view, with OpenCV."""
    pooled = [kind(level, (1, 2)) for level in maps for kind in (np.mean, np.max)]
    vectors = np.concatenate(pooled, 1)
    proba = softmax(inference.head.predict_on_batch(vectors), 1).mean(0)
    slopes = np.asarray(logits_and_gradient(inference.head, vectors)[1])
    total = np.zeros((GRID, GRID), np.float32)
    for level, reference, slope in zip(
        maps, good, by_level(slopes, [m.shape[-1] for m in maps], len(POOLING)), strict=True
    ):
        for view in range(VIEWS):
            cells = (level[view] - reference[view]) @ np.asarray(slope)[view]
            total += turn_back(cv2.resize(cells, (GRID, GRID)), view)
    blurred = cv2.GaussianBlur(total, (0, 0), BLUR * GRID)
    return proba, heat_maps(blurred[None], proba[None])[0]


def test_answers_are_those_of_numpy_view_by_view(inference):
    photos = [photo(pixels) for pixels in PIXELS]
    proba, heat = inference(photos, GRID)
    for place, maps in enumerate(inference.maps(photos)):
        expected = by_numpy(inference, maps, inference.good)
        assert np.allclose(proba[place], expected[0], atol=1e-6)
        assert np.allclose(heat[place], expected[1], atol=1e-4)
        assert heat[place].max() > 0.1


def test_one_graph_gives_the_answers_of_both_halves(inference):
    proba, heat = inference([photo(pixels) for pixels in PIXELS], GRID)
    graph = inference.graph(GRID)
    for place, pixels in enumerate(PIXELS):
        of_graph = answer(graph.predict_on_batch(pixels[None]))
        assert np.allclose(of_graph[0], proba[place], atol=1e-6)
        assert np.allclose(of_graph[1], heat[place], atol=1e-4)


def test_photos_of_a_batch_are_judged_each_for_itself(inference):
    graph = inference.graph(GRID)
    together = graph.predict_on_batch(PIXELS)
    for place, pixels in enumerate(PIXELS):
        alone = graph.predict_on_batch(pixels[None])
        for name in ("proba", "heat"):
            assert np.allclose(together[name][place], alone[name][0], atol=1e-5)


@pytest.mark.parametrize("view", range(8))
def test_views_are_turned_and_turned_back_as_by_numpy(view):
    of_view = np.asarray(view_of(PIXELS, view))
    assert of_view.dtype == np.float32
    assert np.array_equal(of_view, np.stack([turn(pixels, view) for pixels in PIXELS]))
    assert np.array_equal(np.asarray(turned_back(of_view, view)), PIXELS)


def test_probabilities_are_exact_near_one_and_add_up():
    outputs = {"proba": np.float32([[1, 1e-9, 2e-12]]), "heat": np.float32([[[-1e-9, 1 + 1e-7]]])}
    proba, heat = answer(outputs)
    assert proba.sum() == pytest.approx(1, abs=1e-15)
    assert 1 - proba[0] == pytest.approx(1.002e-9, rel=1e-6)
    assert (heat.min(), heat.max()) == (0, 1)
