"""Batches of augmented images with their instances, and the lots by which boxes are drawn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from anomaly.cache.store import Cache
from anomaly.config.schema import StageConfig
from anomaly.data.images import load_image
from anomaly.data.truth import instances_on_grid
from anomaly.masks.boxes import box_of
from anomaly.masks.components import largest_first, masks_of
from anomaly.model.training.prefetch import Ahead
from anomaly.runtime.cores import count
from anomaly.types import Sample, Split

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy

SPECK = 16  # pixels of a piece with all its neighbours; what a border mirrors of less is noise


class Shapes(NamedTuple):
    """How large the arrays of a batch are."""

    image_size: int
    anchors: int
    proposals: int
    instances: int  # at most so many of an image count, the largest


class Batches(Ahead):
    """Every epoch all defective images and some good ones, drawn anew, each in a new version.

    Whatever is random depends on the seed and the number of the epoch alone, so a training that
    begins again in the middle sees what it would have seen.
    """

    def __init__(
        self,
        train: Split,
        policy: Policy,
        cache: Cache,
        shapes: Shapes,
        *,
        stage: StageConfig,
        negatives: float,
        seed: int,
    ) -> None:
        super().__init__()
        self.defective = [sample for sample in train if sample.label]
        self.good = [sample for sample in train if not sample.label]
        self.negatives = min(len(self.good), round(negatives * len(self.defective)))
        self.least = train.min_instance_area
        self.policy, self.cache, self.shapes = policy, cache, shapes
        self.size, self.seed = stage.batch_size, seed
        self.steps = stage.steps(len(self.defective) + self.negatives)
        self.pool = ThreadPoolExecutor(count())
        self.truth: dict[str, np.ndarray] = {}  # instances are small, and reading them is slow
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Draw the images of an epoch and their order."""
        random = np.random.default_rng((self.seed, epoch))
        drawn = random.choice(len(self.good), self.negatives, replace=False)
        chosen = self.defective + [self.good[k] for k in drawn]
        order = random.permutation(len(chosen))
        self.epoch = epoch
        self.order = [chosen[k] for k in np.resize(order, len(self) * self.size)]
        self.forget()

    def __len__(self) -> int:
        return self.steps

    def make(self, index: int) -> tuple[dict[str, np.ndarray]]:
        """What a `LossModel` takes."""
        chosen = self.order[index * self.size :][: self.size]
        rows = list(self.pool.map(self._example, chosen))
        random = np.random.default_rng((self.seed, self.epoch, index))
        lots = {
            "anchor_draw": (len(chosen), self.shapes.anchors),
            "region_draw": (len(chosen), self.shapes.proposals + self.shapes.instances),
        }
        batch = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        return ({**batch, **{k: random.random(s, np.float32) for k, s in lots.items()}},)

    def left_out(self) -> int:
        """Instances of the train part beyond those that count."""
        counts = self.pool.map(lambda s: int(self._instances(s).max()), self.defective)
        return sum(max(count - self.shapes.instances, 0) for count in counts)

    def _example(self, sample: Sample) -> dict[str, np.ndarray]:
        image = load_image(sample.image, self.shapes.image_size, self.cache)
        moved, instances = self.policy.apply(image, self._instances(sample), sample.id, self.epoch)
        return example(moved, instances, sample.label, self.shapes.instances)

    def _instances(self, sample: Sample) -> np.ndarray:
        if sample.id not in self.truth:
            size = self.shapes.image_size
            self.truth[sample.id] = instances_on_grid(sample.annotation.mask, size, self.least)
        return self.truth[sample.id]


def example(
    image: np.ndarray, numbered: np.ndarray, label: int, most: int
) -> dict[str, np.ndarray]:
    """One image's part of a batch, from its (h, w) numbered instances.

    An instance that augmentation moved out of the image is gone with its box, one that the border
    mirrors is there twice. Boxes are those of the masks, so the two never part.
    """
    pieces = [piece for instance in masks_of(numbered) for piece in _pieces(instance)]
    present = sorted(pieces, key=np.count_nonzero, reverse=True)[:most]
    instances = np.zeros(numbered.shape, np.uint8)
    boxes = np.zeros((most, 4), np.float32)
    for place, mask in enumerate(present):
        instances[mask] = place + 1
        boxes[place] = box_of(mask)
    labels = np.where(np.arange(most) < len(present), label, 0).astype(np.int32)
    return {
        "image": image,
        "boxes": boxes,
        "labels": labels,
        "instances": instances,
    }


def _pieces(instance: np.ndarray) -> list[np.ndarray]:
    """The (h, w) bool mask of each piece; less than three pixels apart they are one.

    Turned by nearest neighbours, a thin instance gets gaps, and is still one.
    """
    near = cv2.dilate(instance.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return [instance & piece for piece in masks_of(largest_first(near, SPECK))]
