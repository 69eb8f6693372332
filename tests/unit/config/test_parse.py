"""From a composed config to a checked run."""

from __future__ import annotations

import pytest

from anomaly.config.parse import parameters
from anomaly.errors import InputError


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
        "model.levels=[C4,C4]": "model.levels must be a list, each one of C2, C3, C4, C5, not empty"
        " and none twice, got ['C4', 'C4']",
        "model.dropout=1": "model.dropout must be from 0 to below 1, got 1",
        "tracking.uri='sqlite:///'": "tracking.uri must be a server (http://HOST:PORT) or a database"
        " (sqlite:////FOLDER/mlflow.db), got sqlite:///",
        "tracking.uri='sqlite:///:memory:'": "tracking.uri must be a server",
        "tracking.uri='sqlite://'": "tracking.uri must be a server",
        "tracking.uri='http://'": "tracking.uri must be a server",
        "output=' '": "output must name a folder",
        "+foo=1": "foo is not a known key; `python train.py --cfg job` lists them all",
        "+trainer.momentum=1": "trainer.momentum is not a known key; trainer has batch_size, distribution",
        "+trainer.lr=1": "trainer.lr is not a known key; did you mean trainer.learning_rate?",
        "++data.foo=1": "data.foo is not known to this data; data has category, copy_correlation",
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


def test_every_mistake_is_named_at_once(parsed):
    with pytest.raises(InputError) as caught:
        parsed("cache.gigabytes=0", "model.views=3", "trainer.epochs=-1")
    assert len(str(caught.value).splitlines()) == 3


def test_a_short_name_picks_its_backbone_and_what_the_command_line_says_wins(parsed):
    assert parsed("model=tiny").backbone["_target_"] == "anomaly.backbone.tiny.build"
    assert parsed("model=tiny", "model.views=4").model["views"] == 4
    assert parsed("model=tiny", "trainer=smoke").trainer == parsed("trainer=smoke").trainer


@pytest.mark.parametrize("seed", [7, 2**32 - 1])
def test_the_seed_reaches_the_data(seed, parsed):
    assert parsed(f"seed={seed}").data["seed"] == seed


def test_a_seed_that_cannot_be_is_named_once_under_the_key_that_was_typed(parsed):
    with pytest.raises(InputError) as caught:
        parsed("seed=-1")
    assert str(caught.value) == "seed must be between 0 and 4294967295, got -1"
    with pytest.raises(InputError, match=r"data\.seed must be .*got -2") as caught:
        parsed("data.seed=-2")
    assert len(str(caught.value).splitlines()) == 1


def test_parameters_are_every_value_under_its_path(parsed):
    run = parsed("model=tiny", "trainer.epochs=3")
    values = parameters(run)
    assert values["trainer.epochs"] == 3
    assert values["trainer.finetune.epochs"] == run.trainer.finetune.epochs
    assert values["model.levels"] == ["C4"]
    assert not [key for key in values if "_target_" in key or "_partial_" in key]
