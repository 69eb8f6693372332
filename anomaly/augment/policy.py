"""How many versions each training image gets, and how each is made."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import albumentations as A
import numpy as np

Factor = int | Literal["balance"]


class Policy:
    """Pipelines and the number of versions of each image; version 0 is the image itself.

    One pipeline is drawn from at random: version k of an image depends on its id, k and the seed
    alone, not on the order of calls, nor on how many versions were made before. Of several, each
    is a fixed change, and the versions begin again after the last.
    """

    def __init__(
        self, pipelines: Sequence[A.Compose], factor: Factor, good_factor: int, seed: int
    ) -> None:
        self.pipelines = pipelines
        self.factor = factor
        self.good_factor = good_factor
        self.seed = seed
        self._idle: list[list[A.Compose]] = [[] for _ in pipelines]  # copies
        settings = json.dumps([A.to_dict(p) for p in pipelines], sort_keys=True, default=str)
        self.name = hashlib.sha256(f"{settings}{seed}".encode()).hexdigest()[:16]

    def versions(self, labels: np.ndarray) -> np.ndarray:
        """(n,) int64: how many versions each image of a split gets, itself included."""
        sizes = np.bincount(labels)
        per_class = np.full(len(sizes), self.good_factor)
        if self.factor == "balance":
            largest = sizes.max() * self.good_factor
            per_class = np.maximum(np.rint(largest / np.maximum(sizes, 1)), 1).astype(np.int64)
        else:
            per_class[1:] = self.factor
        return per_class[labels]

    def distinct(self, version: int) -> int:
        """The first version that looks like this one; made once, it serves for both."""
        fixed = len(self.pipelines)
        return version % fixed if fixed > 1 else version

    def apply(
        self, image: np.ndarray, mask: np.ndarray, id: str, version: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Version `version` of (h, w, 3) uint8 `image` and (h, w) `mask`, of the same shapes and types.

        A mask is bool, or uint8 with a number for each instance; numbers are never mixed.
        """
        version = self.distinct(version)
        if version == 0:
            return image, mask
        with self._borrowed(version % len(self.pipelines)) as pipeline:
            pipeline.set_random_seed(_seed(id, version, self.seed))
            made = pipeline(image=image, mask=mask.astype(np.uint8))
        return made["image"], made["mask"].astype(mask.dtype)

    @contextmanager
    def _borrowed(self, place: int) -> Iterator[A.Compose]:
        """A pipeline that no other thread seeds or draws from meanwhile, of as many as are at work."""
        idle = self._idle[place]
        try:
            own = idle.pop()
        except IndexError:
            own = copy.deepcopy(self.pipelines[place])
        try:
            yield own
        finally:
            idle.append(own)


def _seed(*parts: object) -> int:
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
