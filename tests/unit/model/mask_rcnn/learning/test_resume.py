"""A training that is over but not yet saved has nothing to learn again, in none of its stages."""

from __future__ import annotations

import pytest

from anomaly.model.mask_rcnn.learning.loss_model import LossModel

SMALL = (
    *("experiment=demo_mask_rcnn", "backbone.width=4", "model.image_size=64", "model.channels=8"),
    *("model.units=8", "model.proposals=20", "model.proposals_per_level=30"),
    *("model.rois_per_image=16", "model.validate_every=1", "trainer.epochs=1"),
    *("trainer.finetune.epochs=1", "augment=none"),
)


def test_both_stages_go_on_from_their_checkpoints(parsed, learner_of, demo, monkeypatch, tmp_path):
    run = parsed(*SMALL)

    def learned() -> tuple[object, list]:
        learner, told = learner_of(run), []
        learner.fit(demo.train, demo.validate, run.trainer, lambda e, v: told.append((e, dict(v))))
        return learner, told

    first, told = learned()
    assert [epoch for epoch, _ in told] == [0, 1]
    for checkpoint in first.checkpoints:  # as a process does that is killed
        checkpoint.release()

    def refused(*args, **kwargs):
        pytest.fail("an epoch was learned twice")

    monkeypatch.setattr(LossModel, "fit", refused)
    second, again = learned()
    assert again == told
    assert second.thresholds == first.thresholds
    second.save(tmp_path / "model")
    assert not any(checkpoint.path.exists() for checkpoint in second.checkpoints)
