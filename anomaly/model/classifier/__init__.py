"""The image classifier: a head on the pooled features of a backbone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import keras

from anomaly.cache.store import Cache
from anomaly.config.ranges import Fraction, Number, Positive, Side
from anomaly.model.classifier import network
from anomaly.model.classifier.learner import Classifier, load
from anomaly.model.classifier.stages import OptimizerBuilder, Recipe
from anomaly.model.classifier.svm_head import SvmSettings

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy

__all__ = ["build", "load"]


def build(
    *,
    backbone: Callable[..., keras.Model],
    classes: tuple[str, ...],
    augment: Policy,
    optimizer: OptimizerBuilder,
    cache: Cache,
    seed: int,
    image_size: Side,
    levels: list[Literal["C2", "C3", "C4", "C5"]],
    pooling: list[Literal["avg", "max"]],
    standardise: bool,
    head: Literal["dense", "linear", "svm"],
    dropout: Fraction,
    units: Number,
    C: Positive,
    gamma: Positive,
    views: Literal[1, 2, 4, 8],
) -> Classifier:
    """A classifier with an untrained head; `backbone` and `optimizer` are partial builds.

    `dropout` and `units` belong to the dense head, `C` and `gamma` to the SVM, which replaces a
    linear head once it is fitted.
    """
    features = network.pool(backbone(image_size=image_size), levels, pooling)
    untrained = network.head(
        features.output_shape[-1],
        len(classes),
        units=units if head == "dense" else None,
        dropout=dropout,
        standardise=standardise,
    )
    model = network.join(features, untrained)
    settings = {"levels": levels, "pooling": pooling, "views": views, "threshold": 0.5}
    svm = SvmSettings(C, gamma) if head == "svm" else None
    return Classifier(model, classes, settings, cache, Recipe(augment, optimizer, seed, svm))
