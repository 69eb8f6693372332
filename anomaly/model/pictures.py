"""The pictures a learner is given: augmented versions in training, turned views in prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomaly.cache.code import digest
from anomaly.cache.store import Cache, key_of
from anomaly.data.images import MAKERS as OF_IMAGES
from anomaly.data.images import load_image
from anomaly.types import Image, Sample

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy


MAKERS = (*OF_IMAGES, "augment", "model/pictures.py")  # the code that makes a picture


@dataclass(frozen=True)
class Picture:
    """Pixels made from an Image: resized, and perhaps augmented or turned; one Image has many.

    `key` names the pixels in the cache, and `load` makes them.
    """

    key: str
    load: Callable[[], np.ndarray]  # (size, size, 3) uint8 RGB


def training_pictures(
    samples: Sequence[Sample], policy: Policy, size: int, cache: Cache
) -> list[Picture]:
    """Every version of every sample, as many as the policy gives each."""
    counts = policy.versions(np.array([sample.label for sample in samples]))
    return [
        _version(sample, policy, policy.distinct(version), size, cache)
        for sample, count in zip(samples, counts, strict=True)
        for version in range(count)
    ]


def first_occurrences(pictures: Sequence[Picture]) -> list[int]:
    """Where each distinct picture occurs first; all others repeat one of these."""
    places: dict[str, int] = {}
    for place, picture in enumerate(pictures):
        places.setdefault(picture.key, place)
    return list(places.values())


def views(images: Sequence[Image], view: int, size: int, cache: Cache) -> list[Picture]:
    """One of the 8 turned or mirrored views of each image; view 0 is the image itself."""

    def picture(image: Image) -> Picture:
        key = key_of("view", digest(*MAKERS), image.content, size, view)
        return Picture(key, lambda: turn(load_image(image, size, cache), view))

    return [picture(image) for image in images]


def turn(image: np.ndarray, view: int) -> np.ndarray:
    """(h, w, ...) turned by `view % 4` quarters, mirrored first if `view` is 4 or more."""
    mirrored = image[:, ::-1] if view >= 4 else image
    return np.ascontiguousarray(np.rot90(mirrored, view % 4))


def turn_back(image: np.ndarray, view: int) -> np.ndarray:
    """The inverse of `turn`."""
    turned = np.rot90(image, -(view % 4))
    return np.ascontiguousarray(turned[:, ::-1] if view >= 4 else turned)


def _version(sample: Sample, policy: Policy, version: int, size: int, cache: Cache) -> Picture:
    def load() -> np.ndarray:
        image = load_image(sample.image, size, cache)
        mask = np.zeros(image.shape[:2], bool)
        return policy.apply(image, mask, sample.id, version)[0]

    made_by = (policy.name, sample.id, version) if version else (0,)  # version 0 equals view 0
    key = key_of("view", digest(*MAKERS), sample.image.content, size, *made_by)
    return Picture(key, load)
