"""What a mistyped name is answered with: the nearest right one, or what there is."""

from __future__ import annotations

import pytest

from anomaly.config.suggest import LISTED, suggest_key, suggest_name

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
    assert suggest_key(key, KNOWN) == f"; did you mean {meant}?"


def test_where_none_is_near_the_keys_of_the_same_parent_are_listed():
    assert (
        suggest_key("trainer.momentum", KNOWN)
        == "; trainer has batch_size, epochs, finetune, learning_rate"
    )


@pytest.mark.parametrize("key", ["colour", "foo", "foo.bar"])
def test_where_there_is_no_parent_the_way_to_all_keys_is_named(key):
    assert suggest_key(key, KNOWN) == "; `python train.py --cfg job` lists them all"


def test_a_key_that_was_forced_in_is_no_advice_against_itself():
    forced = ["trainer.momentum", "foo.bar", "foo"]
    assert suggest_key("trainer.momentum", [*KNOWN, *forced]) == suggest_key(
        "trainer.momentum", KNOWN
    )
    assert suggest_key("foo", [*KNOWN, *forced]) == suggest_key("foo", KNOWN)


@pytest.mark.parametrize(
    "name, end",
    {
        "lite": "; did you mean light? (one of: classic, light, mask_rcnn)",
        "mr": "; did you mean mask_rcnn? (one of: classic, light, mask_rcnn)",
        "resnet": " (one of: classic, light, mask_rcnn)",
    }.items(),
)
def test_of_names_the_nearest_and_all_are_named(name, end):
    assert suggest_name(name, ["", "classic", "light", "mask_rcnn"]) == end


def test_of_very_many_names_some_are_listed_and_any_may_be_meant():
    many = [f"run-{number}" for number in range(LISTED + 1)]
    end = suggest_name(f"rum-{LISTED}", many)
    assert f"did you mean run-{LISTED}?" in end and end.endswith(f"run-{LISTED - 1}, ...)")
