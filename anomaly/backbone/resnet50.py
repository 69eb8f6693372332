"""ResNet50 (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016)."""

import keras

from anomaly.backbone.application import build_application

BGR_MEANS = (103.939, 116.779, 123.68)  # over ImageNet, as in the original Caffe model


def build(*, image_size: int, weights: str | None) -> keras.Model:
    """Inputs are BGR minus the means of ImageNet; a level is the last map of its stride."""
    return build_application(
        keras.applications.ResNet50,
        image_size=image_size,
        weights=weights,
        normalise=_caffe,
        layer_names={
            "C2": "conv2_block3_out",
            "C3": "conv3_block4_out",
            "C4": "conv4_block6_out",
            "C5": "conv5_block3_out",
        },
    )


def _caffe(rgb: keras.KerasTensor) -> keras.KerasTensor:
    centre = keras.layers.Rescaling(1.0, offset=[-mean for mean in BGR_MEANS])
    return centre(keras.ops.flip(rgb, axis=-1))
