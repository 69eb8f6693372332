"""ConvNeXt-Tiny (Liu et al., "A ConvNet for the 2020s", CVPR 2022)."""

from __future__ import annotations

import keras
from keras import layers

from anomaly.backbone.application import load_application
from anomaly.backbone.levels import STRIDES, last_of_each_side, sides

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of RGB 0-1 over ImageNet
COARSEST = max(STRIDES.values())


def build(*, image_size: int, weights: str | None) -> keras.Model:
    """Inputs have zero mean and unit variance over ImageNet; a level is the last map of its stride.

    The convolutions would drop an incomplete last cell. So the image is padded to a multiple of the
    coarsest stride with the mean colour, and the levels are cropped to cells that see the image.
    """
    padded = -(-image_size // COARSEST) * COARSEST
    network = load_application(
        keras.applications.ConvNeXtTiny,
        image_size=image_size,
        weights=weights,
        normalise=lambda image: _padded(_normalised(image), padded - image_size),
        include_preprocessing=False,
    )
    network = _with_depthwise_layers(network)
    maps = last_of_each_side(operation.output for operation in network.operations)
    levels = {
        level: _cropped(maps[padded // STRIDES[level]], side)
        for level, side in sides(image_size).items()
    }
    return keras.Model(network.inputs[0], levels, name="backbone")


def _normalised(image: keras.KerasTensor) -> keras.KerasTensor:
    scale = [1 / (255 * deviation) for deviation in DEVIATION]
    offset = [-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)]
    return layers.Rescaling(scale, offset)(image)


def _padded(x: keras.KerasTensor, pixels: int) -> keras.KerasTensor:
    return layers.ZeroPadding2D(((0, pixels), (0, pixels)))(x)


def _cropped(x: keras.KerasTensor, side: int) -> keras.KerasTensor:
    surplus = x.shape[1] - side
    return layers.Cropping2D(((0, surplus), (0, surplus)))(x)


def _with_depthwise_layers(network: keras.Model) -> keras.Model:
    """An equal network that is 12 times faster with TensorFlow on a CPU.

    Keras builds its depthwise convolutions as grouped ones, for which TensorFlow has no CPU kernel
    and compiles a slow loop instead.
    """
    copy = keras.models.clone_model(network, clone_function=_depthwise)
    pairs = zip(network.get_weights(), copy.weights, strict=True)
    copy.set_weights([value.reshape(weight.shape) for value, weight in pairs])  # also (7, 7, 1, c)
    return copy


def _depthwise(layer: keras.Layer) -> keras.Layer:
    if isinstance(layer, layers.Conv2D) and layer.groups > 1:
        return layers.DepthwiseConv2D(layer.kernel_size, padding=layer.padding, name=layer.name)
    return layer.__class__.from_config(layer.get_config())
