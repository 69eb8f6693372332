"""A short name or a classic recipe is what it says: the same run on another backbone."""

from __future__ import annotations

from pathlib import Path

import pytest

CONF = Path(__file__).parents[2] / "conf"
BACKBONES = sorted(path.stem for path in (CONF / "backbone").glob("*.yaml"))
SIZES = {"inceptionresnetv2": 299, "resnet50": 448, "convnexttiny": 448}  # at 640 they take hours
CLASSIC = [name for name in BACKBONES if (CONF / f"experiment/classic_{name}.yaml").is_file()]


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_is_a_short_name(name, parsed):
    run = parsed(f"model={name}")
    assert run.backbone["_target_"] == f"anomaly.backbone.{name}.build"
    assert run.model["_target_"] == "anomaly.model.classifier.build"


@pytest.mark.parametrize("name", [name for name in BACKBONES if name != "tiny"])
def test_a_short_name_changes_the_backbone_alone(name, parsed):
    own = [f"model.image_size={SIZES[name]}"] if name in SIZES else []
    assert parsed(f"model={name}") == parsed(f"backbone={name}", *own)


@pytest.mark.parametrize("name", CLASSIC)
def test_classic_recipes_differ_by_the_backbone_and_its_native_size_alone(name, parsed):
    size = 299 if name == "inceptionresnetv2" else 224
    same = ("experiment=classic_mobilenetv2", f"backbone={name}", f"model.image_size={size}")
    assert parsed(f"experiment=classic_{name}") == parsed(*same)
