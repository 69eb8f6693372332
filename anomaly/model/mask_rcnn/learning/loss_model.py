"""The training graph: from images and their instances to the five losses."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from keras import KerasTensor as Tensor
from keras import ops

from anomaly.model.mask_rcnn.layers import boxes as box_ops
from anomaly.model.mask_rcnn.layers.detections import VARIANCE
from anomaly.model.mask_rcnn.layers.proposals import VARIANCE as ANCHOR_VARIANCE
from anomaly.model.mask_rcnn.learning import losses, targets
from anomaly.model.mask_rcnn.learning.matching import pick
from anomaly.model.mask_rcnn.network import Blocks

ANCHOR_BETA, BOX_BETA = 1 / 9, 1.0  # where smooth L1 becomes linear


class LossModel(keras.Model):
    """A model whose outputs are the five losses; training minimises their sum.

    Takes a mapping: image (b, h, w, 3) uint8 RGB; boxes (b, g, 4), padded with empty ones; labels
    (b, g) int32; instances (b, h, w) uint8, k + 1 on the pixels of instance k; anchor_draw (b, a)
    and region_draw (b, proposals + g), random numbers in 0..1 that decide which boxes are sampled.
    """

    def __init__(self, network: keras.Model, blocks: Blocks) -> None:
        super().__init__(name="loss_model", autocast=False)  # boxes and random numbers stay float32
        self.network = network  # tracks every weight of the blocks
        self.blocks = blocks
        self.anchors = np.concatenate(blocks.propose.anchors)
        self.means = {name: keras.metrics.Mean(name) for name in losses.NAMES}

    def call(self, batch: Mapping[str, Tensor], training: bool = True) -> dict[str, Tensor]:
        maps, logits, deltas, proposals = self.blocks.regions(ops.cast(batch["image"], "float32"))
        outputs = ops.concatenate(logits, 1), ops.concatenate(deltas, 1)
        values = (
            *self._proposal_losses(*outputs, batch),
            *self._region_losses(maps, proposals, batch),
        )
        return dict(zip(losses.NAMES, values, strict=True))

    def _proposal_losses(self, logits: Tensor, deltas: Tensor, batch: Mapping[str, Tensor]):
        """Of the proposal head: objectness and boxes."""
        count, anchors = self.blocks.settings.anchors_per_image, ops.convert_to_tensor(self.anchors)
        sampled, target_deltas = targets.of_anchors(
            anchors, batch["boxes"], batch["anchor_draw"], count, ANCHOR_VARIANCE
        )
        logits = pick(logits, sampled.places)[..., 0]
        deltas = pick(deltas, sampled.places)
        positive, valid = sampled.positive, sampled.valid
        return (
            losses.objectness(logits, positive, valid),
            losses.boxes(deltas, target_deltas, positive, valid, ANCHOR_BETA),
        )

    def _region_losses(self, maps: list[Tensor], proposals: Tensor, batch: Mapping[str, Tensor]):
        """Of the box and mask heads: classes, boxes and masks."""
        settings, true_boxes = self.blocks.settings, batch["boxes"]
        count, share = settings.rois_per_image, settings.positive_fraction
        regions = targets.of_regions(
            proposals, true_boxes, batch["labels"], batch["region_draw"], count, share
        )
        logits, deltas = self.blocks.classify(maps, regions.boxes)
        types = ops.maximum(regions.labels - 1, 0)[..., None, None]
        deltas = ops.take_along_axis(deltas, types, 2)[:, :, 0]
        target_deltas = box_ops.encode(regions.boxes, pick(true_boxes, regions.instance), VARIANCE)
        positive, valid = regions.sampled.positive, regions.sampled.valid
        return (
            losses.classes(logits, regions.labels, valid),
            losses.boxes(deltas, target_deltas, positive, valid, BOX_BETA),
            self._mask_loss(maps, regions, ops.cast(batch["instances"], "int32")),
        )

    def _mask_loss(self, maps: list[Tensor], regions: targets.Regions, label_map: Tensor) -> Tensor:
        """Of the first regions only, as positive ones come first and others have no mask."""
        few = self.blocks.settings.mask_rois
        boxes, labels, instance = (
            x[:, :few] for x in (regions.boxes, regions.labels, regions.instance)
        )
        logits = self.blocks.of_class(self.blocks.mask(maps, boxes), labels)
        target_masks = targets.of_masks(label_map, boxes, instance, logits.shape[2])
        return losses.masks(logits, target_masks, regions.sampled.positive[:, :few])

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sum of the five; the mean of each is a figure of the epoch."""
        for name, mean in self.means.items():
            mean.update_state(y_pred[name])
        return sum(y_pred[name] for name in losses.NAMES)
