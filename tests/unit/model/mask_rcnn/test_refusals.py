"""Numbers of a detector that do not fit each other are refused in one sentence."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from anomaly.model.checkpoint import Checkpoint
from anomaly.model.mask_rcnn.training import Trainer
from anomaly.types import InputError

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
        (("model.max_instances=300",), "model.max_instances must be at most 255, got 300"),
    ],
)
def test_refused(changes, sentence, parsed, learner_of):
    with pytest.raises(InputError, match=sentence):
        learner_of(parsed(*TINY, *changes))


class Blown(keras.Model):
    """A lesson of which one loss is no number from the second epoch on."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 0

    def fit(self, *args, **kwargs):
        self.epoch += 1
        names = ("proposal_class", "proposal_box", "class", "box", "mask", "loss")
        figures = {name: [1.0] for name in names}
        if self.epoch > 1:
            figures["mask"] = figures["loss"] = [float("nan")]
        return type("History", (), {"history": figures})()


def test_the_loss_that_blew_up_is_named_and_the_epochs_before_are_kept(tmp_path):
    lesson = Blown()
    lesson.compile(keras.optimizers.SGD())
    batches = type("Batches", (), {"begin": lambda self, epoch: None, "__len__": lambda self: 1})()
    checkpoint = Checkpoint(tmp_path, "key")
    told = []
    with pytest.raises(
        InputError, match=r"the mask loss is nan in epoch 1: lower trainer\.learning_rate"
    ):
        Trainer(lesson, batches, lambda: 0.5, 1, 3, "none").run(
            checkpoint, lambda e, v: told.append(e)
        )
    assert told == [0]
    state = checkpoint.read()
    assert len(state.epochs) == 1 and np.isfinite(state.epochs[0]["loss"])
