"""A classifier must be able to overfit eight images."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.types import Split


@pytest.mark.slow
@pytest.mark.parametrize("option", ["tiny", "classifier"])
def test_eight_images_are_overfitted(option, parsed, learner_of, demo):
    labels = demo.train.labels
    chosen = np.concatenate([np.flatnonzero(labels == k)[:2] for k in range(4)])
    eight = Split("train", tuple(demo.train.samples[i] for i in chosen), demo.train.grid)
    run = parsed(
        *(f"model={option}", "backbone=tiny", "augment=none", "model.image_size=64"),
        *("trainer.epochs=0", "trainer.finetune.epochs=60", "trainer.finetune.batch_size=8"),
        *("trainer.finetune.learning_rate=2e-3", "model.views=1", "model.dropout=0"),
    )
    learner = learner_of(run)
    learner.fit(eight, eight, run.trainer, lambda epoch, values: None)
    assert (learner.predict(eight.images, eight.grid).proba.argmax(1) == eight.labels).all()
