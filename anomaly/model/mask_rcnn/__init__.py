"""Mask R-CNN in Keras 3 (He et al., ICCV 2017): the box, outline and type of each defect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Literal

import keras

from anomaly.cache.store import Cache
from anomaly.config.ranges import Fraction, Number, Positive, Share, Size
from anomaly.data.truth import MAX_INSTANCES
from anomaly.errors import InputError
from anomaly.model.mask_rcnn.initial_weights import set_initial_weights
from anomaly.model.mask_rcnn.learner import Detector, load
from anomaly.model.mask_rcnn.learning.recipe import Recipe
from anomaly.model.mask_rcnn.network import Blocks, Settings, inference_model

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy

__all__ = ["build", "load"]


def build(
    *,
    backbone: Callable[..., keras.Model],
    classes: tuple[str, ...],
    augment: Policy,
    optimizer: Callable[..., keras.optimizers.Optimizer],
    cache: Cache,
    seed: int,
    image_size: Size,
    weights: str | None,
    frozen: Literal["C2", "C3", "C4", "C5"] | None,
    freeze_batch_norm: bool,
    channels: Number,
    units: Number,
    anchor_scales: tuple[Positive, Positive, Positive, Positive, Positive],
    anchor_ratios: list[Positive],
    canonical_size: Number,
    anchors_per_image: Number,
    proposals_per_level: Number,
    proposals: Number,
    proposal_nms: Share,
    rois_per_image: Number,
    positive_fraction: Share,
    mask_rois: Number,
    max_instances: Number,
    negatives: Positive,
    max_detections: Number,
    min_score: Fraction,
    nms: Share,
    validate_every: Number,
    views: Literal[1, 2, 4, 8],
) -> Detector:
    """An untrained detector, or one with `weights`; `backbone` and `optimizer` are partial builds.

    Raises:
        InputError: settings that do not fit each other, or weights that do not fit the network.
    """
    arguments = locals()
    settings = Settings(**{field.name: arguments[field.name] for field in fields(Settings)})
    network = backbone(image_size=image_size)
    blocks = Blocks(network, len(classes), settings)
    _check_regions(settings, max_instances)
    _check_anchors(settings, sum(map(len, blocks.propose.anchors)))
    recipe = Recipe(
        blocks, network, frozen, freeze_batch_norm, augment, optimizer,
        max_instances, negatives, validate_every, seed,
    )  # fmt: skip
    thresholds = {"name": 0.5, "pixel": 0.5}
    model = inference_model(blocks)
    if weights is not None:
        set_initial_weights(model, classes, weights)
    return Detector(model, classes, cache, thresholds, views, recipe)


def _check_regions(settings: Settings, max_instances: int) -> None:
    candidates = settings.proposals + max_instances
    if settings.rois_per_image > candidates:
        raise InputError(
            "model.rois_per_image must be at most model.proposals + model.max_instances ="
            f" {candidates}, got {settings.rois_per_image}"
        )
    if settings.rois_per_image * settings.positive_fraction < 1:
        raise InputError(
            f"model.rois_per_image={settings.rois_per_image} and model.positive_fraction="
            f"{settings.positive_fraction} leave no positive region to learn from; raise one"
        )
    if max_instances > MAX_INSTANCES:
        raise InputError(
            f"model.max_instances must be at most {MAX_INSTANCES}, got {max_instances}"
        )


def _check_anchors(settings: Settings, anchors: int) -> None:
    if settings.anchors_per_image < 2:
        raise InputError(
            "model.anchors_per_image must be at least 2, one on a defect and one on background,"
            f" got {settings.anchors_per_image}"
        )
    if settings.anchors_per_image > anchors:
        raise InputError(
            f"model.anchors_per_image must be at most {anchors}, which is all that"
            f" model.image_size and model.anchor_ratios give, got {settings.anchors_per_image}"
        )
