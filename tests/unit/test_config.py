"""From a composed config to a checked run."""

from __future__ import annotations

import pytest

from anomaly import config
from anomaly.types import InputError


@pytest.mark.parametrize(
    "mistake, words",
    {
        "trainer.epochs=-1": "trainer.epochs must be 0 or more, got -1",
        "trainer.learning_rate=0": "trainer.learning_rate must be above 0 and at most 10",
        "trainer.learning_rate=nan": "trainer.learning_rate must be above 0",
        "trainer.finetune.batch_size=0": "trainer.finetune.batch_size must be between 1 and",
        "seed=4294967296": "seed must be between 0 and 4294967295",
        "cache.gigabytes=0": "cache.gigabytes must be above 0",
        "cache.gigabytes=nan": "cache.gigabytes must be above 0",
        "cache.gigabytes=inf": "cache.gigabytes must be",
        "objective=test/accuracy": "objective must be a validation metric",
        "model.views=true": "model.views must be one of 1, 2, 4, 8, got True",
        "model.levels=[]": "model.levels",
        "model.pooling=[]": "model.pooling",
        "model.levels=C4": "model.levels must be a list, each one of C2, C3, C4, C5",
        "data.train=0": "data.train must be above 0 and at most 1",
        "data.fold=-1": "data.fold must be a whole number from 0",
        "~data.root": "data.root is missing",
        "~data": "data has no value; give it as data=...",
    }.items(),
)
def test_a_value_that_cannot_be_meant_is_refused_in_words(mistake, words, parsed):
    with pytest.raises(InputError) as caught:
        parsed(mistake)
    assert words in str(caught.value)


def test_a_tiny_backbone_of_an_impossible_width_is_refused(parsed):
    with pytest.raises(InputError, match=r"backbone\.width must be"):
        parsed("backbone=tiny", "backbone.width=6")


def test_a_brightness_that_runs_backwards_is_refused(parsed):
    with pytest.raises(InputError, match=r"augment\.brightness"):
        parsed("augment=classic", "augment.brightness=[1.5,0.5]")


def test_every_mistake_is_told_at_once(parsed):
    with pytest.raises(InputError) as caught:
        parsed("cache.gigabytes=0", "model.views=3", "trainer.epochs=-1")
    assert len(str(caught.value).splitlines()) == 3


def test_a_short_name_picks_its_backbone_and_what_the_command_line_says_wins(parsed):
    assert parsed("model=tiny").backbone["_target_"] == "anomaly.backbone.tiny.build"
    assert parsed("model=tiny", "model.views=4").model["views"] == 4
    assert parsed("model=tiny", "trainer=smoke").trainer == parsed("trainer=smoke").trainer


def test_the_seed_reaches_the_data(parsed):
    assert parsed("seed=7").data["seed"] == 7


def test_parameters_are_every_value_under_its_path(parsed):
    run = parsed("model=tiny", "trainer.epochs=3")
    values = config.parameters(run)
    assert values["trainer.epochs"] == 3
    assert values["trainer.finetune.epochs"] == run.trainer.finetune.epochs
    assert values["model.levels"] == ["C4"]
    assert not [key for key in values if "_target_" in key or "_partial_" in key]
