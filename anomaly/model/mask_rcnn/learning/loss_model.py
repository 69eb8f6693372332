"""The graph that learns: from images and their instances to the five losses."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from keras import KerasTensor as Tensor
from keras import ops

from anomaly.model.mask_rcnn.layers import boxes as box_maths
from anomaly.model.mask_rcnn.layers.detections import VARIANCE
from anomaly.model.mask_rcnn.layers.proposals import VARIANCE as ANCHOR_VARIANCE
from anomaly.model.mask_rcnn.learning import losses, targets
from anomaly.model.mask_rcnn.learning.matching import pick
from anomaly.model.mask_rcnn.network import Parts

ANCHOR_BETA, BOX_BETA = 1 / 9, 1.0  # where smooth L1 turns linear


class LossModel(keras.Model):
    """Its outputs are the five losses; their sum is what training minimises.

    Takes a mapping: image (b, h, w, 3) uint8 RGB; boxes (b, g, 4), empty where there is none;
    labels (b, g) int32; instances (b, h, w) uint8, k + 1 on the pixels of instance k; anchor_draw
    (b, a) and region_draw (b, proposals + g), lots in 0..1 that decide which boxes teach.
    """

    def __init__(self, network: keras.Model, parts: Parts) -> None:
        super().__init__(name="loss_model", autocast=False)  # boxes and lots stay float32
        self.network = network  # has every weight of the parts
        self.parts = parts
        self.anchors = np.concatenate(parts.propose.anchors)
        self.figures = {name: keras.metrics.Mean(name) for name in losses.NAMES}

    def call(self, batch: Mapping[str, Tensor], training: bool = True) -> dict[str, Tensor]:
        maps, logits, deltas, proposals = self.parts.regions(ops.cast(batch["image"], "float32"))
        found = ops.concatenate(logits, 1), ops.concatenate(deltas, 1)
        own = (*self._of_proposals(*found, batch), *self._of_regions(maps, proposals, batch))
        return dict(zip(losses.NAMES, own, strict=True))

    def _of_proposals(self, logits: Tensor, deltas: Tensor, batch: Mapping[str, Tensor]):
        count, anchors = self.parts.settings.anchors_per_image, ops.convert_to_tensor(self.anchors)
        draw = batch["anchor_draw"]
        own, wanted = targets.of_anchors(anchors, batch["boxes"], draw, count, ANCHOR_VARIANCE)
        said = pick(logits, own.places)[..., 0]
        moved = pick(deltas, own.places)
        return (
            losses.objectness(said, own.positive, own.valid),
            losses.boxes(moved, wanted, own.positive, own.valid, ANCHOR_BETA),
        )

    def _of_regions(self, maps: list[Tensor], proposals: Tensor, batch: Mapping[str, Tensor]):
        settings, true, draw = self.parts.settings, batch["boxes"], batch["region_draw"]
        wanted = (settings.rois_per_image, settings.positive_fraction)
        own = targets.of_regions(proposals, true, batch["labels"], draw, *wanted)
        logits, deltas = self.parts.classify(maps, own.boxes)
        kind = ops.maximum(own.labels - 1, 0)[..., None, None]
        moved = ops.take_along_axis(deltas, kind, 2)[:, :, 0]
        shift = box_maths.encode(own.boxes, pick(true, own.instance), VARIANCE)
        positive, valid = own.sample.positive, own.sample.valid
        return (
            losses.classes(logits, own.labels, valid),
            losses.boxes(moved, shift, positive, valid, BOX_BETA),
            self._of_masks(maps, own, ops.cast(batch["instances"], "int32")),
        )

    def _of_masks(self, maps: list[Tensor], own: targets.Regions, instances: Tensor) -> Tensor:
        """Positive regions come first, so the first few are all that the mask head learns from."""
        few = self.parts.settings.mask_rois
        boxes, labels, instance = own.boxes[:, :few], own.labels[:, :few], own.instance[:, :few]
        logits = self.parts.of_class(self.parts.mask(maps, boxes), labels)
        wanted = targets.of_masks(instances, boxes, instance, logits.shape[2])
        return losses.masks(logits, wanted, own.sample.positive[:, :few])

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sum of the five; each is a figure of the epoch as well."""
        for name, mean in self.figures.items():
            mean.update_state(y_pred[name])
        return sum(y_pred[name] for name in losses.NAMES)
