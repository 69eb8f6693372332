"""Mask R-CNN put together: its parts, and the graph that finds.

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
    """The numbers of the papers; `conf/model/mask_rcnn.yaml` says what each is."""

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


class Parts:
    """The layers that finding and learning share."""

    def __init__(self, backbone: keras.Model, classes: int, settings: Settings) -> None:
        own, size = settings, backbone.input_shape[1]
        self.size, self.classes, self.settings = size, classes, settings
        self.pyramid = pyramid(backbone, own.channels)
        self.proposal_head = heads.proposal_head(own.channels, len(own.anchor_ratios))
        self.propose = Proposals(
            size, own.anchor_scales, own.anchor_ratios,
            own.proposals_per_level, own.proposals, own.proposal_nms,
        )  # fmt: skip
        self.box_align = RoIAlign(BOX_BINS, own.canonical_size)
        self.mask_align = RoIAlign(MASK_BINS, own.canonical_size)
        self.box_head = heads.box_head(BOX_BINS, own.channels, own.units, classes)
        self.mask_head = heads.mask_head(MASK_BINS, own.channels, classes)
        self.of_class = OfClass()
        self.detect = Detect(size, own.max_detections, own.min_score, own.nms)

    def regions(self, image: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor], Tensor]:
        """The maps P2 to P5, each level's logits and deltas, and the proposals."""
        maps = self.pyramid(image)
        answers = [self.proposal_head(level) for level in maps]
        logits, deltas = ([answer[k] for answer in answers] for k in (0, 1))
        return maps[:-1], logits, deltas, self.propose(logits, deltas)

    def classify(self, maps: list[Tensor], boxes: Tensor) -> tuple[Tensor, Tensor]:
        """(b, r, c) logits and (b, r, c - 1, 4) deltas of (b, r, 4) boxes."""
        logits, deltas = self.box_head(_fold(self.box_align(maps, boxes)))
        return _unfold(logits, boxes.shape[1]), _unfold(deltas, boxes.shape[1])

    def mask(self, maps: list[Tensor], boxes: Tensor) -> Tensor:
        """(b, r, s, s, c - 1) logits of (b, r, 4) boxes."""
        return _unfold(self.mask_head(_fold(self.mask_align(maps, boxes))), boxes.shape[1])


def finder(parts: Parts) -> keras.Model:
    """RGB (b, h, w, 3) 0-255 to boxes (b, k, 4), scores (b, k), labels (b, k), masks (b, k, s, s).

    Boxes are in pixels, a score below 0 says that there is no detection, labels count from 1, and
    masks are probabilities over the box.
    """
    image = keras.Input((parts.size, parts.size, 3), name="image")
    maps, _, _, proposals = parts.regions(image)
    boxes, scores, labels = parts.detect(proposals, *parts.classify(maps, proposals))
    masks = ops.sigmoid(parts.of_class(parts.mask(maps, boxes), labels))
    found = {"boxes": boxes, "scores": scores, "labels": labels, "masks": masks}
    return keras.Model(image, found, name="mask_rcnn")


def _fold(regions: Tensor) -> Tensor:
    return ops.reshape(regions, (-1, *regions.shape[2:]))


def _unfold(rows: Tensor, regions: int) -> Tensor:
    return ops.reshape(rows, (-1, regions, *rows.shape[1:]))
