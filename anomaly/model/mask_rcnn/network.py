"""Mask R-CNN: its blocks, and the inference graph.

Source: He, Gkioxari, Dollar & Girshick, "Mask R-CNN", ICCV 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
from keras import KerasTensor as Tensor
from keras import ops

from anomaly.model.mask_rcnn import heads
from anomaly.model.mask_rcnn.layers.detections import Detect, OfClass
from anomaly.model.mask_rcnn.layers.proposals import Proposals
from anomaly.model.mask_rcnn.layers.roi_align import RoIAlign
from anomaly.model.mask_rcnn.pyramid import pyramid

BOX_BINS, MASK_BINS = 7, 14  # He et al. 2017, figure 4


@dataclass(frozen=True)
class Settings:
    """The numbers of the papers; `conf/model/mask_rcnn.yaml` explains each."""

    channels: int
    units: int
    anchor_scales: Sequence[float]
    anchor_ratios: Sequence[float]
    canonical_size: int
    anchors_per_image: int
    proposals_per_level: int
    proposals: int
    proposal_nms: float
    rois_per_image: int
    positive_fraction: float
    mask_rois: int
    max_detections: int
    min_score: float
    nms: float


class Blocks:
    """The building blocks of the network, which inference and training share."""

    def __init__(self, backbone: keras.Model, classes: int, settings: Settings) -> None:
        s, size = settings, backbone.input_shape[1]
        self.size, self.classes, self.settings = size, classes, settings
        self.pyramid = pyramid(backbone, s.channels)
        self.proposal_head = heads.proposal_head(s.channels, len(s.anchor_ratios))
        self.propose = Proposals(
            size, s.anchor_scales, s.anchor_ratios,
            s.proposals_per_level, s.proposals, s.proposal_nms,
        )  # fmt: skip
        self.box_align = RoIAlign(BOX_BINS, s.canonical_size)
        self.mask_align = RoIAlign(MASK_BINS, s.canonical_size)
        self.box_head = heads.box_head(BOX_BINS, s.channels, s.units, classes)
        self.mask_head = heads.mask_head(MASK_BINS, s.channels, classes)
        self.of_class = OfClass()
        self.detect = Detect(size, s.max_detections, s.min_score, s.nms)

    def regions(self, image: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor], Tensor]:
        """The maps P2 to P5, the logits and deltas of each level, and the proposals."""
        maps = self.pyramid(image)
        outputs = [self.proposal_head(level) for level in maps]
        logits, deltas = ([output[k] for output in outputs] for k in (0, 1))
        return maps[:-1], logits, deltas, self.propose(logits, deltas)

    def classify(self, maps: list[Tensor], boxes: Tensor) -> tuple[Tensor, Tensor]:
        """(b, r, c) logits and (b, r, c - 1, 4) deltas of (b, r, 4) boxes."""
        logits, deltas = self.box_head(_merge_batch(self.box_align(maps, boxes)))
        return _split_batch(logits, boxes.shape[1]), _split_batch(deltas, boxes.shape[1])

    def mask(self, maps: list[Tensor], boxes: Tensor) -> Tensor:
        """(b, r, s, s, c - 1) logits of (b, r, 4) boxes."""
        logits = self.mask_head(_merge_batch(self.mask_align(maps, boxes)))
        return _split_batch(logits, boxes.shape[1])


def inference_model(blocks: Blocks) -> keras.Model:
    """RGB (b, h, w, 3) 0-255 to boxes (b, k, 4), scores (b, k), labels (b, k), masks (b, k, s, s).

    Boxes are in pixels, a score below 0 is padding, labels count from 1, and masks are
    probabilities inside the box.
    """
    image = keras.Input((blocks.size, blocks.size, 3), name="image")
    maps, _, _, proposals = blocks.regions(image)
    boxes, scores, labels = blocks.detect(proposals, *blocks.classify(maps, proposals))
    masks = ops.sigmoid(blocks.of_class(blocks.mask(maps, boxes), labels))
    outputs = {"boxes": boxes, "scores": scores, "labels": labels, "masks": masks}
    return keras.Model(image, outputs, name="mask_rcnn")


def _merge_batch(regions: Tensor) -> Tensor:
    """(b, r, ...) to (b * r, ...)."""
    return ops.reshape(regions, (-1, *regions.shape[2:]))


def _split_batch(rows: Tensor, regions: int) -> Tensor:
    """(b * r, ...) to (b, r, ...)."""
    return ops.reshape(rows, (-1, regions, *rows.shape[1:]))
