"""Batches of labelled pictures for fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from anomaly.model.pictures import Picture
from anomaly.model.training.prefetch import PrefetchedBatches

MEMORY = 2 * 2**30  # bytes of pictures kept


class Labelled(NamedTuple):
    """Pictures, and the (n,) int64 class of each."""

    pictures: Sequence[Picture]
    labels: np.ndarray


class Batches(PrefetchedBatches):
    """Batches of pictures in their order, or in the order that `shuffle` gives an epoch.

    Pictures are the same in every epoch, so as many as fit into MEMORY are loaded only once.
    """

    def __init__(
        self,
        labelled: Labelled,
        size: int,
        seed: int = 0,
        steps: int | None = None,
        multiple: int = 1,
    ) -> None:
        super().__init__()
        self.multiple = multiple  # of which every batch has a whole number of pictures
        self.pictures, self.labels = labelled
        self.size = size
        self.seed = seed
        self.steps = steps or -(-len(labelled.pictures) // size)
        self.order = np.arange(len(labelled.pictures))
        self.pool = ThreadPoolExecutor()
        self.kept: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return self.steps

    def make(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(b, h, w, 3) float32 RGB 0-255 and (b,) labels; the last batch may be smaller."""
        places = self.order[index * self.size :][: self.size]
        even = -(-len(places) // self.multiple) * self.multiple  # repeats fill a smaller batch
        chosen = np.resize(places, even)
        pictures = [self.pictures[int(place)] for place in chosen]
        images = np.stack(list(self.pool.map(self._image, pictures)))
        return images.astype(np.float32), self.labels[chosen]

    def _image(self, picture: Picture) -> np.ndarray:
        image = self.kept.get(picture.key)
        if image is None:
            image = picture.load()
            if (len(self.kept) + 1) * image.nbytes <= MEMORY:
                self.kept[picture.key] = image
        return image

    def shuffle(self, epoch: int) -> None:
        """Set the order of one epoch, which depends on the seed and the epoch alone."""
        self.order = np.random.default_rng((self.seed, epoch)).permutation(len(self.pictures))
        self.discard()
