"""A training that ended but was not saved repeats none of its epochs, in either stage."""

from __future__ import annotations

import pytest

from anomaly.model.mask_rcnn.learning.loss_model import LossModel

SMALL = (
    *("experiment=demo_mask_rcnn", "backbone.width=4", "model.image_size=64", "model.channels=8"),
    *("model.units=8", "model.proposals=20", "model.proposals_per_level=30"),
    *("model.rois_per_image=16", "model.validate_every=1", "trainer.epochs=1"),
    *("trainer.finetune.epochs=1", "augment=none"),
)


@pytest.mark.slow  # compiles both stages twice; in `make test` one stage is killed and continued
def test_both_stages_continue_from_their_checkpoints(
    parsed, learner_of, demo, monkeypatch, tmp_path
):
    run = parsed(*SMALL)

    def trained() -> tuple[object, list]:
        learner, epochs = learner_of(run), []
        learner.fit(
            demo.train, demo.validate, run.trainer, lambda e, v: epochs.append((e, dict(v)))
        )
        return learner, epochs

    first, epochs = trained()
    assert [epoch for epoch, _ in epochs] == [0, 1]
    for checkpoint in first.checkpoints:  # as a killed process does
        checkpoint.release()

    def refused(*args, **kwargs):
        pytest.fail("an epoch was trained twice")

    monkeypatch.setattr(LossModel, "fit", refused)
    second, reported_again = trained()
    assert reported_again == epochs
    assert second.thresholds == first.thresholds
    second.save(tmp_path / "model")
    assert not any(checkpoint.path.exists() for checkpoint in second.checkpoints)
