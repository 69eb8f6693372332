"""The maps of a photo: the same alone and in company, cold and from the cache, file and pixels."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from anomaly.backbone import tiny
from anomaly.cache.store import Cache, NoCache
from anomaly.data.images import photo
from anomaly.model.classifier import network
from anomaly.model.classifier.maps import Maps
from anomaly.model.pictures import turn

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
PHOTOS = [photo(pixels, str(place)) for place, pixels in enumerate(PIXELS)]


@pytest.fixture(scope="module")
def features() -> keras.Model:
    keras.utils.set_random_seed(0)
    return network.pool(tiny.build(image_size=64, width=4, weights=None), ["C3", "C4"], ["avg"])


def of(features: keras.Model, photos, cache: Cache | None = None, views: int = 4) -> list:
    return list(Maps(features, ["C3", "C4"], views, cache or NoCache())(photos))


def test_the_maps_are_those_of_the_turned_photo(features):
    levels = network.levels(features, ["C3", "C4"])
    expected = levels.predict_on_batch(
        np.stack([turn(PIXELS[0], view) for view in range(4)]).astype(np.float32)
    )
    for got, level in zip(of(features, PHOTOS[:1])[0], ("C3", "C4"), strict=True):
        assert got.dtype == np.float32
        assert np.array_equal(got, expected[level])


def test_a_photo_gives_the_same_bits_alone_and_in_any_company(features):
    together, alone = of(features, PHOTOS[::-1]), of(features, PHOTOS[1:2])
    for one, other in zip(together[2], alone[0], strict=True):
        assert np.array_equal(one, other)


def test_the_cache_gives_back_the_same_bits_without_the_photo(features, cache):
    cold = of(features, PHOTOS, cache)
    for file in cache.root.glob("*/*"):
        assert file.stat().st_size > 0
    gone = [photo(pixels, "gone") for pixels in PIXELS]
    warm = of(features, gone, cache)
    for first, second in zip(cold, warm, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_numbers_of_views_do_not_share_an_entry(features, cache):
    of(features, PHOTOS[:1], cache, views=8)
    assert of(features, PHOTOS[:1], cache, views=2)[0][0].shape[0] == 2


def test_a_cache_that_lost_one_level_computes_the_photo_again(features, cache):
    expected = of(features, PHOTOS[:1], cache)
    max(cache.root.glob("*/*"), key=lambda file: file.stat().st_size).unlink()
    again = of(features, PHOTOS[:1], cache)
    assert all(np.array_equal(a, b) for a, b in zip(expected[0], again[0], strict=True))
