"""A detector starts from the weights of another one, or is refused in one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from anomaly.backbone import tiny
from anomaly.errors import InputError
from anomaly.model.mask_rcnn.initial_weights import set_initial_weights
from anomaly.model.mask_rcnn.network import Blocks, inference_model

from .test_backends import SETTINGS

CLASSES = ("good", "chip", "crack", "stain")


def network_of(width: int, **changed: object) -> keras.Model:
    backbone = tiny.build(image_size=64, weights=None, width=width)
    return inference_model(Blocks(backbone, len(CLASSES), replace(SETTINGS, **changed)))


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    network_of(8).save(folder / "model.keras")
    (folder / "detector.json").write_text(json.dumps({"classes": CLASSES}))
    return folder / "model.keras"


def test_it_has_the_weights_of_the_file(saved):
    network = network_of(8)
    set_initial_weights(network, CLASSES, str(saved))
    expected = keras.saving.load_model(saved, compile=False).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(network.get_weights(), expected, strict=True))


def refusal(path: Path | str, classes=CLASSES, width: int = 8, **changed: object) -> str:
    with pytest.raises(InputError) as caught:
        set_initial_weights(network_of(width, **changed), classes, str(path))
    return str(caught.value)


def test_other_classes_are_refused_with_both_lists(saved):
    message = refusal(saved, (*CLASSES[:3], "dent"))
    assert (
        "was trained on the classes good, chip, crack, stain, but the data has good, chip, crack,"
        " dent" in message
    )


def test_another_backbone_is_refused_with_what_differs(saved):
    message = refusal(saved, width=4)
    assert "has another backbone or other settings: a weight is (3, 3, 6, 8) in the file" in message


def test_anchors_of_other_shapes_are_refused(saved):
    turned = tuple(reversed(SETTINGS.anchor_ratios))
    message = refusal(saved, anchor_ratios=turned)
    assert f"model.anchor_ratios is {list(SETTINGS.anchor_ratios)} in the file" in message


def test_a_file_that_is_no_finished_detector_is_refused(saved, tmp_path):
    assert "is not an existing file" in refusal(tmp_path / "none.keras")
    assert "model.weights= is not an existing file" in refusal("")
    alone = tmp_path / "model.keras"
    alone.write_bytes(saved.read_bytes()[:1000])
    assert "there is no detector.json beside it" in refusal(alone)
    (tmp_path / "detector.json").write_text(json.dumps({"classes": CLASSES}))
    message = refusal(alone)
    assert "cannot be read: File not found" in message and "zip file; copy it again" in message
