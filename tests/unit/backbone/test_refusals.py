"""Missing or unsuitable weights and impossible sizes: one sentence each."""

from __future__ import annotations

import keras
import pytest

from anomaly.backbone import inceptionresnetv2, mobilenetv2, resnet50, tiny
from anomaly.backbone.application import load_application
from anomaly.errors import InputError


def test_an_alpha_without_imagenet_weights_is_answered_with_the_available_ones():
    with pytest.raises(InputError) as caught:
        mobilenetv2.build(image_size=64, weights="imagenet", alpha=0.9)
    assert str(caught.value) == (
        "backbone.alpha=0.9 has no ImageNet weights; use one of 0.35, 0.5, 0.75, 1.0, 1.3, 1.4, or"
        " random ones with backbone.weights=null"
    )


def test_any_alpha_works_with_random_weights():
    assert mobilenetv2.build(image_size=64, weights=None, alpha=0.2).count_params() > 0


@pytest.mark.parametrize("name", ["wider.weights.h5", "wider.keras"])
def test_weights_of_another_alpha_are_refused_with_both_shapes(name, tmp_path):
    wider = mobilenetv2.build(image_size=64, weights=None, alpha=0.5)
    (wider.save_weights if name.endswith(".h5") else wider.save)(tmp_path / name)
    with pytest.raises(InputError) as caught:
        mobilenetv2.build(image_size=64, weights=str(tmp_path / name), alpha=0.35)
    assert str(caught.value) == (
        f"backbone.weights={tmp_path / name} does not fit MobileNetV2: a weight is (1, 1, 48, 16)"
        " in the file and (1, 1, 48, 8) in the network; give a file with the weights of this"
        " network, or backbone.weights=null"
    )


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "tiny.weights.h5"
    tiny.build(image_size=64, weights=None, width=4).save_weights(path)
    with pytest.raises(InputError, match=r"tiny\.weights\.h5 does not fit ResNet50: "):
        resnet50.build(image_size=64, weights=str(path))


def test_a_wrong_file_in_the_folder_of_imagenet_weights_is_named():
    def factory(**options: object) -> keras.Model:
        raise ValueError("Layer count mismatch when loading weights from file.\nAnd more.")

    with pytest.raises(InputError) as caught:
        load_application(
            factory, image_size=64, weights="imagenet", normalise=keras.layers.Identity()
        )
    message = str(caught.value)
    assert message.startswith("the ImageNet weights of factory in ")
    assert "do not fit it: Layer count mismatch when loading weights from file; delete" in message


@pytest.mark.parametrize(
    "build, values, words",
    [
        (
            inceptionresnetv2.build,
            {"image_size": 74},
            "model.image_size must be 75 or more for backbone=inceptionresnetv2, got 74",
        ),
        (
            tiny.build,
            {"image_size": 299, "width": 4},
            "model.image_size must be a multiple of 8 for backbone=tiny, got 299",
        ),
    ],
)
def test_an_impossible_size_is_refused(build, values, words):
    with pytest.raises(InputError) as caught:
        build(weights=None, **values)
    assert str(caught.value) == words
