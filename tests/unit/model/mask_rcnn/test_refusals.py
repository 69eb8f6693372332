"""Settings that do not fit each other are refused; a diverging training keeps what it can."""

from __future__ import annotations

import re
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from anomaly.errors import InputError

TINY = ("model=mask_rcnn", "backbone=tiny", "backbone.width=4", "model.image_size=64")


@pytest.mark.parametrize(
    "changes, sentence",
    [
        (
            ("model.proposals=20", "model.rois_per_image=50"),
            r"model.rois_per_image must be at most model.proposals \+ model.max_instances = 40, got 50",
        ),
        (
            ("model.rois_per_image=4", "model.positive_fraction=0.1"),
            "model.rois_per_image=4 and model.positive_fraction=0.1 leave no positive region",
        ),
        (
            ("model.anchors_per_image=1024",),
            "model.anchors_per_image must be at most 1023, which is all that model.image_size",
        ),
        (("model.anchors_per_image=1",), "model.anchors_per_image must be at least 2"),
        (("model.max_instances=300",), "model.max_instances must be at most 255, got 300"),
    ],
)
def test_refused(changes, sentence, parsed, learner_of):
    with pytest.raises(InputError, match=sentence):
        learner_of(parsed(*TINY, *changes))


SMALL = (
    *("experiment=demo_mask_rcnn", "backbone.width=4", "model.image_size=64", "model.channels=8"),
    *("model.units=8", "model.proposals=20", "model.proposals_per_level=30"),
    *("model.rois_per_image=16", "model.validate_every=1", "trainer.epochs=3", "augment=none"),
    "trainer.steps_per_epoch=1",
)

# It warns that pictures are loaded by a graph all the same.
EAGERLY = pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning")


@pytest.fixture
def eagerly():
    """Without a graph: a few steps take seconds, and to trace them would take half a minute."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def diverge(learner) -> None:
    for variable in learner.model.trainable_variables:
        variable.assign(variable * float("nan"))


@EAGERLY
@pytest.mark.usefixtures("eagerly")
def test_a_diverging_training_keeps_the_weights_from_before(parsed, learner_of, demo):
    run = parsed(*SMALL)
    learner, epochs = learner_of(run), []
    before: list[list[np.ndarray]] = []

    def spoil(epoch: int, figures: dict[str, float]) -> None:
        epochs.append(epoch)
        before.append(learner.model.get_weights())
        diverge(learner)

    sentence = r"the \w+ loss is nan in epoch 1: lower trainer\.learning_rate.* model\.weights=(.*)"
    with pytest.raises(InputError, match=sentence) as caught:
        learner.fit(demo.train, demo.validate, run.trainer, spoil)
    assert epochs == [0]
    kept = re.search(sentence, str(caught.value))[1]
    again = learner_of(parsed(*SMALL, f"model.weights={kept}", "backbone.weights=null"))
    for weights, expected in zip(again.model.get_weights(), before[0], strict=True):
        assert np.array_equal(weights, expected)


@pytest.mark.slow  # compiles both stages
def test_if_fine_tuning_diverges_at_once_the_first_stage_is_kept(parsed, learner_of, demo):
    stage = ("finetune.epochs=1", "finetune.learning_rate=10", "finetune.batch_size=4")
    run = parsed(*SMALL, "trainer.epochs=1", *(f"trainer.{value}" for value in stage))
    learner = learner_of(run)

    def optimizer(learning_rate: float, steps: int) -> keras.optimizers.Optimizer:
        return keras.optimizers.SGD(1e30 if learning_rate == 10 else learning_rate)

    learner.recipe = replace(learner.recipe, optimizer=optimizer)
    sentence = r"lower trainer\.finetune\.learning_rate.* model\.weights=(.*)"
    with pytest.raises(InputError, match=sentence) as caught:
        learner.fit(demo.train, demo.validate, run.trainer, lambda e, v: None)
    kept = re.search(sentence, str(caught.value))[1]
    again = learner_of(parsed(*SMALL, f"model.weights={kept}", "backbone.weights=null"))
    assert all(np.isfinite(array).all() for array in again.model.get_weights())


@EAGERLY
@pytest.mark.usefixtures("eagerly")
def test_a_training_that_diverges_at_once_keeps_nothing(parsed, learner_of, demo):
    run = parsed(*SMALL)
    learner = learner_of(run)
    diverge(learner)
    with pytest.raises(InputError, match=r"loss is nan in epoch 0: .*clipnorm=1\)$"):
        learner.fit(demo.train, demo.validate, run.trainer, lambda e, v: None)


def test_a_train_split_without_defects_is_refused(parsed, learner_of, demo):
    run = parsed(*SMALL)
    good = replace(demo.train, samples=tuple(s for s in demo.train if not s.label))
    with pytest.raises(InputError, match="no defective image: there is nothing to find"):
        learner_of(run).fit(good, demo.validate, run.trainer, lambda e, v: None)
