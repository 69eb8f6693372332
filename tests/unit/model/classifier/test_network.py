"""The classifier's network, its fingerprint, and its cached features."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from anomaly.backbone import tiny
from anomaly.cache.store import Cache
from anomaly.model.classifier import network
from anomaly.model.features import Extractor
from anomaly.model.fingerprint import fingerprint
from anomaly.model.pictures import Picture

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)


def backbone(seed: int = 0, size: int = 64, width: int = 4) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return tiny.build(image_size=size, weights=None, width=width)


def name(levels, pooling=("avg",), **options) -> str:
    return fingerprint(network.pool(backbone(**options), levels, pooling))


def test_the_same_network_built_again_has_the_same_fingerprint():
    assert name(["C4"]) == name(["C4"])


def test_names_of_plain_operations_and_of_inner_inputs_make_no_difference():
    def built() -> keras.Model:
        image, part = keras.Input((8, 8, 3)), keras.Sequential([keras.layers.ReLU()])
        return keras.Model(image, keras.ops.flip(image, -1) + part(image))

    assert fingerprint(built()) == fingerprint(built())


def test_using_a_network_does_not_change_its_fingerprint():
    features = network.pool(backbone(), ["C3", "C4"], ["avg"])
    before = fingerprint(features)
    features.predict_on_batch(IMAGES.astype(np.float32))
    network.levels(features, ["C3"])
    network.join(features, network.head(24, 2, units=4, dropout=0, standardise=False))
    assert fingerprint(features) == before


def test_a_saved_network_keeps_its_fingerprint(tmp_path):
    features = network.pool(backbone(), ["C3", "C4"], ["avg", "max"])
    features.save(tmp_path / "f.keras")
    assert fingerprint(keras.saving.load_model(tmp_path / "f.keras")) == (fingerprint(features))


def test_whatever_changes_the_output_changes_the_fingerprint():
    names = [
        name(["C4"]),
        name(["C4"], seed=1),
        name(["C4"], ["max"]),
        name(["C4"], ["avg", "max"]),
        name(["C4"], ["max", "avg"]),
        name(["C4"], width=8),
        name(["C4"], size=96),
        name(["C5"]),
        name(["C3", "C5"]),
        name(["C4", "C5"]),
        name(["C5", "C4"]),
    ]
    assert len(set(names)) == len(names)


def test_the_levels_of_one_network_have_different_fingerprints():
    features = network.pool(backbone(), ["C2", "C3", "C4", "C5"], ["avg"])
    levels = [network.levels(features, [level]) for level in ("C2", "C3", "C4", "C5")]
    assert len({fingerprint(level) for level in levels}) == 4


def test_the_same_level_taken_again_has_the_same_fingerprint():
    features = network.pool(backbone(), ["C3", "C4"], ["avg"])
    names = [fingerprint(network.levels(features, ["C4"])) for _ in range(3)]
    assert len(set(names)) == 1


def test_features_are_the_pooled_levels_in_the_given_order():
    built = backbone()
    maps = {k: np.asarray(v) for k, v in built.predict_on_batch(IMAGES.astype(np.float32)).items()}
    vectors = network.pool(built, ["C3", "C4"], ["avg", "max"]).predict_on_batch(
        IMAGES.astype(np.float32)
    )
    expected = [f(maps[level], (1, 2)) for level in ("C3", "C4") for f in (np.mean, np.max)]
    assert np.allclose(vectors, np.concatenate(expected, axis=1), atol=1e-5)


@pytest.mark.parametrize("names", [["C3"], ["C4", "C3"]])
def test_the_maps_of_levels_are_those_of_the_backbone(names):
    built = backbone()
    maps = built.predict_on_batch(IMAGES.astype(np.float32))
    features = network.pool(built, ["C3", "C4"], ["avg"])
    levels = network.levels(features, names).predict_on_batch(IMAGES.astype(np.float32))
    assert len(levels) == len(names)
    for name in names:
        assert np.allclose(levels[name], maps[name], atol=1e-5)


def test_the_joined_network_is_the_softmax_of_the_head_on_the_features():
    features = network.pool(backbone(), ["C5"], ["avg"])
    head = network.head(32, 3, units=8, dropout=0.5, standardise=True)
    images = IMAGES.astype(np.float32)
    proba = network.join(features, head).predict_on_batch(images)
    logits = head.predict_on_batch(features.predict_on_batch(images))
    assert np.allclose(proba, keras.ops.softmax(logits), atol=1e-5)


def pictures(count: int = 3, loaded: list | None = None) -> list[Picture]:
    def load(index: int):
        return lambda: (loaded if loaded is not None else []).append(index) or IMAGES[index]

    return [Picture(f"key{index}", load(index)) for index in range(count)]


def test_features_are_computed_once_and_read_back_to_the_bit(cache):
    features, loaded = network.pool(backbone(), ["C4"], ["avg"]), []
    cold = Extractor(features, cache)(pictures(3, loaded))
    warm = Extractor(features, cache)(pictures(3, loaded))
    assert np.array_equal(cold, warm)
    assert sorted(loaded) == [0, 1, 2]


def test_an_images_features_do_not_depend_on_its_neighbours(cache):
    features = network.pool(backbone(), ["C4"], ["avg"])
    alone = Extractor(features, cache)(pictures(1))
    (cache.root).rename(cache.root.with_name("aside"))
    among = Extractor(features, cache)([*pictures(3)[::-1], pictures(1)[0]])
    assert np.array_equal(alone[0], among[-1])
    assert np.array_equal(among[2], among[3])


def test_a_network_with_other_levels_does_not_read_the_features_of_the_first(cache):
    shapes = [
        Extractor(network.pool(backbone(), levels, ["avg"]), cache)(pictures()).shape
        for levels in (["C3", "C5"], ["C4", "C5"])
    ]
    assert shapes == [(3, 8 + 32), (3, 16 + 32)]


def test_what_a_small_cache_has_dropped_is_computed_again(tmp_path, cache):
    features = network.pool(backbone(), ["C3"], ["avg"])
    loaded: list[int] = []
    again: list[int] = []
    small = Extractor(features, Cache(tmp_path / "small", gigabytes=100 / 2**30))
    small(pictures(3, loaded))  # the cache has room for one
    vectors = small(pictures(3, again))
    assert np.array_equal(vectors, Extractor(features, cache)(pictures(3, [])))
    assert (loaded, again) == ([0, 1, 2], [0, 1])
