"""MobileNetV2 (Sandler et al., "Inverted Residuals and Linear Bottlenecks", CVPR 2018)."""

import keras

from anomaly.backbone.application import build_application
from anomaly.config.ranges import Positive
from anomaly.errors import InputError

WITH_WEIGHTS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)  # the values of alpha that have ImageNet weights


def build(*, image_size: int, weights: str | None, alpha: Positive) -> keras.Model:
    """Inputs are scaled to -1..1; a level is the last map of its stride.

    Raises:
        InputError: there are no weights for `alpha`, or they are unavailable or do not fit.
    """
    if weights == "imagenet" and alpha not in WITH_WEIGHTS:
        raise InputError(
            f"backbone.alpha={alpha} has no ImageNet weights; use one of"
            f" {', '.join(map(str, WITH_WEIGHTS))}, or random ones with backbone.weights=null"
        )
    return build_application(
        keras.applications.MobileNetV2,
        image_size=image_size,
        weights=weights,
        normalise=keras.layers.Rescaling(1 / 127.5, offset=-1),
        layer_names={
            "C2": "block_2_add",
            "C3": "block_5_add",
            "C4": "block_12_add",
            "C5": "out_relu",
        },
        alpha=alpha,
    )
