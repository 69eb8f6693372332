"""Batches of augmented images with their instances, and random numbers for sampling boxes."""

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
from anomaly.model.training.prefetch import PrefetchedBatches
from anomaly.runtime.cores import count
from anomaly.types import Sample, Split

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy

MIN_AREA = 16  # pixels of a dilated piece; a smaller one, mirrored at the border, is noise


class Shapes(NamedTuple):
    """The sizes of the arrays of a batch."""

    image_size: int
    anchors: int
    proposals: int
    instances: int  # of an image, at most; the largest count


class Batches(PrefetchedBatches):
    """In every epoch all defective images and a random choice of good ones, each in a new version.

    All random choices depend on the seed and the epoch alone, so that a training continued from a
    checkpoint gets the same batches.
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
        self.min_instance_area = train.min_instance_area
        self.policy, self.cache, self.shapes = policy, cache, shapes
        self.size, self.seed = stage.batch_size, seed
        self.steps = stage.steps(len(self.defective) + self.negatives)
        self.pool = ThreadPoolExecutor(count())
        self.label_maps: dict[str, np.ndarray] = {}  # small, and slow to read
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Choose the images of an epoch and their order."""
        random = np.random.default_rng((self.seed, epoch))
        drawn = random.choice(len(self.good), self.negatives, replace=False)
        chosen = self.defective + [self.good[k] for k in drawn]
        order = random.permutation(len(chosen))
        self.epoch = epoch
        self.order = [chosen[k] for k in np.resize(order, len(self) * self.size)]
        self.discard()

    def __len__(self) -> int:
        return self.steps

    def make(self, index: int) -> tuple[dict[str, np.ndarray]]:
        """The input of a `LossModel`."""
        chosen = self.order[index * self.size :][: self.size]
        examples = list(self.pool.map(self._example, chosen))
        random = np.random.default_rng((self.seed, self.epoch, index))
        draws = {
            "anchor_draw": (len(chosen), self.shapes.anchors),
            "region_draw": (len(chosen), self.shapes.proposals + self.shapes.instances),
        }
        batch = {name: np.stack([each[name] for each in examples]) for name in examples[0]}
        return ({**batch, **{k: random.random(s, np.float32) for k, s in draws.items()}},)

    def left_out(self) -> int:
        """The number of instances of the train split that exceed the maximum of their image."""
        counts = self.pool.map(lambda s: int(self._label_map(s).max()), self.defective)
        return sum(max(count - self.shapes.instances, 0) for count in counts)

    def _example(self, sample: Sample) -> dict[str, np.ndarray]:
        image = load_image(sample.image, self.shapes.image_size, self.cache)
        image, label_map = self.policy.apply(image, self._label_map(sample), sample.id, self.epoch)
        return example(image, label_map, sample.label, self.shapes.instances)

    def _label_map(self, sample: Sample) -> np.ndarray:
        if sample.id not in self.label_maps:
            mask, size = sample.annotation.mask, self.shapes.image_size
            self.label_maps[sample.id] = instances_on_grid(mask, size, self.min_instance_area)
        return self.label_maps[sample.id]


def example(
    image: np.ndarray, label_map: np.ndarray, label: int, max_instances: int
) -> dict[str, np.ndarray]:
    """One image's part of a batch, from its (h, w) label map of instances.

    An instance that augmentation moved out of the image has no box; one that the border mirrors
    has two. Boxes are computed from the masks after augmentation, so that both always agree.
    """
    pieces = [piece for instance in masks_of(label_map) for piece in _pieces(instance)]
    kept = sorted(pieces, key=np.count_nonzero, reverse=True)[:max_instances]
    instances = np.zeros(label_map.shape, np.uint8)
    boxes = np.zeros((max_instances, 4), np.float32)
    for place, mask in enumerate(kept):
        instances[mask] = place + 1
        boxes[place] = box_of(mask)
    labels = np.where(np.arange(max_instances) < len(kept), label, 0).astype(np.int32)
    return {
        "image": image,
        "boxes": boxes,
        "labels": labels,
        "instances": instances,
    }


def _pieces(instance: np.ndarray) -> list[np.ndarray]:
    """The (h, w) bool mask of each piece; pieces less than three pixels apart are one.

    A thin instance gets gaps when it is turned by nearest neighbours, and is still one.
    """
    near = cv2.dilate(instance.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return [instance & piece for piece in masks_of(largest_first(near, MIN_AREA))]
