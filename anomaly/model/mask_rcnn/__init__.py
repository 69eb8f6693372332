"""Mask R-CNN in Keras 3 (He et al., ICCV 2017): finds each defect, its outline and its type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Literal

import keras
import numpy as np

from anomaly.cache.store import Cache
from anomaly.config.ranges import Fraction, Number, Positive, Share, Size
from anomaly.data.truth import MAX_INSTANCES
from anomaly.errors import InputError
from anomaly.model.mask_rcnn.learner import Detector, Recipe, load
from anomaly.model.mask_rcnn.network import Parts, Settings, finder
from anomaly.model.mask_rcnn.initial_weights import begin

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
    """A detector with fresh heads, or with `weights`; `backbone` and `optimizer` are partial builds.

    Raises:
        InputError: numbers that do not fit each other, or weights that do not fit the network.
    """
    given = locals()
    settings = Settings(**{field.name: given[field.name] for field in fields(Settings)})
    network = backbone(image_size=image_size)
    parts = Parts(network, len(classes), settings)
    _check(settings, max_instances, parts.propose.anchors)
    recipe = Recipe(
        parts, network, frozen, freeze_batch_norm, augment, optimizer,
        max_instances, negatives, validate_every, seed,
    )  # fmt: skip
    thresholds = {"name": 0.5, "pixel": 0.5}
    model = finder(parts)
    if weights is not None:
        begin(model, classes, weights)
    return Detector(model, classes, cache, thresholds, views, recipe)


def _check(settings: Settings, max_instances: int, levels: Sequence[np.ndarray]) -> None:
    most = settings.proposals + max_instances
    if settings.rois_per_image > most:
        raise InputError(
            f"model.rois_per_image must be at most model.proposals + model.max_instances = {most},"
            f" got {settings.rois_per_image}"
        )
    if settings.rois_per_image * settings.positive_fraction < 1:
        raise InputError(
            f"model.rois_per_image={settings.rois_per_image} and model.positive_fraction="
            f"{settings.positive_fraction} leave no positive region to learn from; raise one"
        )
    anchors = sum(len(level) for level in levels)
    if settings.anchors_per_image < 2:
        raise InputError(
            "model.anchors_per_image must be at least 2, one for a defect and one for none,"
            f" got {settings.anchors_per_image}"
        )
    if settings.anchors_per_image > anchors:
        raise InputError(
            f"model.anchors_per_image must be at most {anchors}, which is all that"
            f" model.image_size and model.anchor_ratios give, got {settings.anchors_per_image}"
        )
    if max_instances > MAX_INSTANCES:
        raise InputError(f"model.max_instances must be at most {MAX_INSTANCES}, got {max_instances}")
