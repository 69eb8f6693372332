"""A detector must be able to overfit a few images."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.data.truth import load_truth
from anomaly.metrics.join import join
from anomaly.metrics.score import score
from anomaly.types import Split

SMALL = (
    *("experiment=demo_mask_rcnn", "augment=none", "backbone.width=16", "model.image_size=128"),
    *("data.images=8", "data.side=128", "data.grid=128", "model.validate_every=20"),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "images, epochs, figure, floor", [(1, 120, "iou", 0.8), (8, 120, "map50", 0.95)]
)
def test_a_few_images_are_overfitted(
    images, epochs, figure, floor, parsed, build, learner_of, store, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("demo")
    run = parsed(*SMALL, f"data.root={folder}", f"trainer.epochs={epochs}", "trainer.batch_size=2")
    dataset = build(run.data, cache=store)
    labels = dataset.train.labels
    defective = np.concatenate([np.flatnonzero(labels == k)[:3] for k in (1, 2, 3)])[:images]
    chosen = [dataset.train.samples[i] for i in defective]
    few = Split("train", tuple(chosen), dataset.train.grid)
    learner = learner_of(run)
    learner.fit(few, few, run.trainer, lambda epoch, values: None)
    values = score(
        join(learner.predict(few.images, few.grid), load_truth(few, dataset.classes))
    ).values
    assert values[figure] > floor
