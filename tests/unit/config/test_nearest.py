"""What a mistyped key is answered with: the nearest right one, or what there is."""

from __future__ import annotations

import pytest

from anomaly.config.suggest import advice

KNOWN = [
    *("data", "data.category", "data.fold", "data.folds", "data.seed", "seed"),
    *("backbone", "backbone.weights", "model", "model.image_size", "model.views"),
    *("trainer", "trainer.batch_size", "trainer.epochs", "trainer.learning_rate"),
    *("trainer.finetune.epochs", "trainer.finetune.learning_rate"),
]


@pytest.mark.parametrize(
    "key, meant",
    {
        "data.categry": "data.category",
        "modle": "model",
        "trainer.lr": "trainer.learning_rate",
        "trainer.finetune.lr": "trainer.finetune.learning_rate",
        "trainer.fintune": "trainer.finetune",
        "trainer.fintune.epochs": "trainer.finetune.epochs",
        "trainr.epochs": "trainer.epochs",
        "learning_rate": "trainer.learning_rate",
        "lr": "trainer.learning_rate",
        "epoch": "trainer.epochs",
        "model.weights": "backbone.weights",
        "model.epochs": "trainer.epochs",
    }.items(),
)
def test_the_nearest_key_is_named(key, meant):
    assert advice(key, KNOWN) == f"; did you mean {meant}?"


def test_where_none_is_near_the_keys_of_the_same_parent_are_listed():
    said = advice("trainer.momentum", KNOWN)
    assert said == "; trainer has batch_size, epochs, finetune, learning_rate"


@pytest.mark.parametrize("key", ["colour", "foo", "foo.bar"])
def test_where_there_is_no_parent_the_way_to_all_keys_is_told(key):
    assert advice(key, KNOWN) == "; `python train.py --cfg job` lists them all"


def test_a_key_that_was_forced_in_is_no_advice_against_itself():
    forced = ["trainer.momentum", "foo.bar", "foo"]
    assert advice("trainer.momentum", [*KNOWN, *forced]) == advice("trainer.momentum", KNOWN)
    assert advice("foo", [*KNOWN, *forced]) == advice("foo", KNOWN)
