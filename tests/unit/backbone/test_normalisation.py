"""Each application gets RGB 0-255 normalised as by Keras' preprocessing for it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import keras
import numpy as np
import pytest
from keras import applications

from anomaly.backbone import (
    convnexttiny,
    efficientnetv2b0,
    inceptionresnetv2,
    mobilenetv2,
    resnet50,
)


class Case(NamedTuple):
    ours: ModuleType
    theirs: ModuleType
    factory: str
    size: int
    options: dict = {}


CASES = [
    Case(mobilenetv2, applications.mobilenet_v2, "MobileNetV2", 64, {"alpha": 0.35}),
    Case(resnet50, applications.resnet50, "ResNet50", 64),
    Case(inceptionresnetv2, applications.inception_resnet_v2, "InceptionResNetV2", 75),
    Case(efficientnetv2b0, applications.efficientnet_v2, "EfficientNetV2B0", 64),
    Case(convnexttiny, applications.convnext, "ConvNeXtTiny", 64),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.factory)
def test_the_deepest_level_is_what_keras_computes_with_its_preprocessing(case, tmp_path):
    theirs = reference(case, tmp_path / "reference.weights.h5")
    ours = case.ours.build(
        image_size=case.size, weights=str(tmp_path / "reference.weights.h5"), **case.options
    )
    images = np.random.default_rng(0).uniform(0, 255, (2, case.size, case.size, 3))
    expected = np.asarray(theirs(case.theirs.preprocess_input(images.astype(np.float32))))
    actual = np.asarray(ours(images.astype(np.float32))["C5"])
    actual = actual[:, *inner(actual.shape[1], expected.shape[1]), :]
    assert np.abs(actual - expected).max() <= 1e-4 * np.abs(expected).max()


def reference(case: Case, path: Path) -> keras.Model:
    """Keras' network with random weights, which are also saved to `path`."""
    keras.utils.set_random_seed(0)
    factory = getattr(case.theirs, case.factory)
    shape = (case.size, case.size, 3)
    network = factory(include_top=False, weights=None, input_shape=shape, **case.options)
    for layer in network.layers:
        if type(layer).__name__ == "LayerScale":  # initialised to 1e-6, which would hide the blocks
            layer.set_weights([np.ones_like(layer.get_weights()[0])])
    network.save_weights(path)
    return network


def inner(side: int, size: int) -> tuple[slice, slice]:
    """The middle of a level that was padded on all sides to `side`."""
    first = (side - size) // 2
    return (slice(first, first + size),) * 2
