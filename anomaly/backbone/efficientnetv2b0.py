"""EfficientNetV2-B0 (Tan & Le, "EfficientNetV2: Smaller Models and Faster Training", ICML 2021)."""

import keras

from anomaly.backbone.application import build_application


def build(*, image_size: int, weights: str | None) -> keras.Model:
    """The network normalises its inputs itself; a level is the last block of its stride."""
    return build_application(
        keras.applications.EfficientNetV2B0,
        image_size=image_size,
        weights=weights,
        normalise=keras.layers.Identity(),
        layer_names={
            "C2": "block2b_add",
            "C3": "block3b_add",
            "C4": "block5e_add",
            "C5": "top_activation",
        },
        include_preprocessing=True,  # from 0-255 to zero mean and unit variance over ImageNet
    )
