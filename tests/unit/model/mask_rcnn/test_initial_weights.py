"""A detector begins with the weights of another, or is told in a sentence why it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from anomaly.backbone import tiny
from anomaly.errors import InputError
from anomaly.model.mask_rcnn.network import Parts, finder
from anomaly.model.mask_rcnn.initial_weights import begin

from .test_backends import SETTINGS

CLASSES = ("good", "chip", "crack", "stain")


def network_of(width: int, **changed: object) -> keras.Model:
    backbone = tiny.build(image_size=64, weights=None, width=width)
    return finder(Parts(backbone, len(CLASSES), replace(SETTINGS, **changed)))


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    network_of(8).save(folder / "model.keras")
    (folder / "detector.json").write_text(json.dumps({"classes": CLASSES}))
    return folder / "model.keras"


def test_it_has_the_weights_of_the_file(saved):
    network = network_of(8)
    begin(network, CLASSES, str(saved))
    theirs = keras.saving.load_model(saved, compile=False).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(network.get_weights(), theirs, strict=True))


def refusal(path: Path | str, classes=CLASSES, width: int = 8, **changed: object) -> str:
    with pytest.raises(InputError) as caught:
        begin(network_of(width, **changed), classes, str(path))
    return str(caught.value)


def test_other_classes_are_refused_with_both_lists(saved):
    said = refusal(saved, (*CLASSES[:3], "dent"))
    assert (
        "knows the classes good, chip, crack, stain, and the data has good, chip, crack, dent"
        in said
    )


def test_another_backbone_is_refused_with_what_differs(saved):
    said = refusal(saved, width=4)
    assert "is of another backbone or other settings: a weight is (3, 3, 6, 8) in the file" in said


def test_anchors_of_other_shapes_are_refused(saved):
    turned = tuple(reversed(SETTINGS.anchor_ratios))
    said = refusal(saved, anchor_ratios=turned)
    assert f"model.anchor_ratios is {list(SETTINGS.anchor_ratios)} in the file" in said


def test_what_is_no_finished_detector_is_refused(saved, tmp_path):
    assert "is not an existing file" in refusal(tmp_path / "none.keras")
    assert "model.weights= is not an existing file" in refusal("")
    alone = tmp_path / "model.keras"
    alone.write_bytes(saved.read_bytes()[:1000])
    assert "there is no detector.json beside it" in refusal(alone)
    (tmp_path / "detector.json").write_text(json.dumps({"classes": CLASSES}))
    said = refusal(alone)
    assert "cannot be read: File not found" in said and "zip file; copy it anew" in said
