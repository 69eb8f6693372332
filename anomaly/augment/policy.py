"""How many versions each training image gets, and how each version is made."""

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
    """Pipelines, and the number of versions of each image; version 0 is the image itself.

    A single pipeline is random: version k of an image depends only on the image's id, k and the
    seed, not on the order of calls or on the versions made before. Several pipelines are
    deterministic: version k is made by pipeline k, beginning again after the last.

    Args:
        pipelines: one that is random, or several that are not.
        factor: versions of each defective image, or "balance": as many as bring its class level
            with the largest one.
        good_factor: versions of each good image.
    """

    def __init__(
        self, pipelines: Sequence[A.Compose], factor: Factor, good_factor: int, seed: int
    ) -> None:
        self.pipelines = pipelines
        self.factor = factor
        self.good_factor = good_factor
        self.seed = seed
        self._idle: list[list[A.Compose]] = [
            [] for _ in pipelines
        ]  # clones that no thread is using
        settings = json.dumps([A.to_dict(p) for p in pipelines], sort_keys=True, default=str)
        self.name = hashlib.sha256(f"{settings}{seed}".encode()).hexdigest()[:16]

    def versions(self, labels: np.ndarray) -> np.ndarray:
        """(n,) int64: the number of versions of each image with these labels, itself included."""
        sizes = np.bincount(labels)
        per_class = np.full(len(sizes), self.good_factor)
        if self.factor == "balance":
            largest = sizes.max() * self.good_factor
            per_class = np.maximum(np.rint(largest / np.maximum(sizes, 1)), 1).astype(np.int64)
        else:
            per_class[1:] = self.factor
        return per_class[labels]

    def distinct(self, version: int) -> int:
        """The number of the first version that is identical to this one."""
        fixed = len(self.pipelines)
        return version % fixed if fixed > 1 else version

    def apply(
        self, image: np.ndarray, mask: np.ndarray, id: str, version: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Version `version` of an image and its mask, with unchanged shapes and types.

        Args:
            image: (h, w, 3) uint8.
            mask: (h, w) bool, or uint8 with a number for each instance; it is not interpolated.
            id: of the image, which determines the random changes together with version and seed.
        """
        version = self.distinct(version)
        if version == 0:
            return image, mask
        with self._borrowed(version % len(self.pipelines)) as pipeline:
            pipeline.set_random_seed(_seed(id, version, self.seed))
            changed = pipeline(image=image, mask=mask.astype(np.uint8))
        return changed["image"], changed["mask"].astype(mask.dtype)

    @contextmanager
    def _borrowed(self, index: int) -> Iterator[A.Compose]:
        """A clone of a pipeline that no other thread uses at the same time, since it has a random state."""
        idle = self._idle[index]
        try:
            pipeline = idle.pop()
        except IndexError:
            pipeline = copy.deepcopy(self.pipelines[index])
        try:
            yield pipeline
        finally:
            idle.append(pipeline)


def _seed(*parts: object) -> int:
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
