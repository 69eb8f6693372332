"""The graph that learns: its losses, its gradients, and what it computes in."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from anomaly.backbone import tiny
from anomaly.model.mask_rcnn.learning import targets
from anomaly.model.mask_rcnn.learning.loss_model import LossModel
from anomaly.model.mask_rcnn.network import Parts, finder
from anomaly.model.mask_rcnn.pyramid import freeze

from ..test_backends import SETTINGS

INSTANCES = 3


@pytest.fixture(params=["float32", "mixed_bfloat16"])
def precision(request):
    keras.mixed_precision.set_global_policy(request.param)
    yield request.param
    keras.mixed_precision.set_global_policy("float32")


def batch_of(loss_model: LossModel, instances: int) -> dict[str, np.ndarray]:
    """Two images of noise with so many squares in each."""
    random = np.random.default_rng(0)
    boxes, labels = np.zeros((2, INSTANCES, 4), np.float32), np.zeros((2, INSTANCES), np.int32)
    numbered = np.zeros((2, 64, 64), np.uint8)
    for k in range(instances):
        boxes[:, k], labels[:, k] = (20 * k, 10, 20 * k + 15, 40), k + 1
        numbered[:, 10:40, 20 * k : 20 * k + 15] = k + 1
    proposals = SETTINGS.proposals + INSTANCES
    return {
        "image": random.integers(0, 256, (2, 64, 64, 3), np.uint8),
        "boxes": boxes,
        "labels": labels,
        "instances": numbered,
        "anchor_draw": random.random((2, len(loss_model.anchors)), np.float32),
        "region_draw": random.random((2, proposals), np.float32),
    }


def loss_model_of() -> tuple[LossModel, keras.Model]:
    keras.utils.set_random_seed(0)
    backbone = tiny.build(image_size=64, weights=None, width=8)
    parts = Parts(backbone, 4, SETTINGS)
    loss_model = LossModel(finder(parts), parts)
    compile_(loss_model, 1e-3)
    return loss_model, backbone


def compile_(loss_model: LossModel, rate: float) -> None:
    """With the optimizer's variables there already, the graph is traced once and not twice."""
    loss_model.compile(keras.optimizers.Adam(rate), jit_compile=False)
    loss_model.optimizer.build(loss_model.trainable_variables)


def test_it_learns_in_every_precision_and_answers_in_float32(precision):
    loss_model, _ = loss_model_of()
    batch = batch_of(loss_model, 2)
    losses = [loss_model.train_on_batch(batch, return_dict=True)["loss"] for _ in range(12)]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.8 * losses[0]
    found = loss_model.network.predict_on_batch(batch["image"])
    assert {np.asarray(found[name]).dtype for name in ("boxes", "scores", "masks")} == {
        np.dtype("float32")
    }
    head = loss_model.parts.box_head.get_layer("hidden_1")
    assert head.compute_dtype == precision.removeprefix("mixed_")


def test_each_region_is_judged_by_the_outputs_of_its_own_class_and_instance(monkeypatch):
    """Heads that say the same of every region, and other things of each class; losses by hand."""
    loss_model, _ = loss_model_of()
    said = np.random.default_rng(1)
    class_bias, box_bias = said.normal(size=4), said.normal(size=(3, 4))
    mask_bias = said.normal(size=3)
    heads = loss_model.parts.box_head, loss_model.parts.mask_head
    for head, name, bias in (
        (heads[0], "class", class_bias), (heads[0], "box", box_bias), (heads[1], "mask", mask_bias)
    ):  # fmt: skip
        kernel, _ = head.get_layer(name).get_weights()
        head.get_layer(name).set_weights([kernel * 0, bias.ravel()])
    taught: list = []
    drawn = targets.of_regions
    monkeypatch.setattr(
        targets, "of_regions", lambda *given: taught.append(drawn(*given)) or taught[-1]
    )
    batch = batch_of(loss_model, 3)
    losses = {name: float(value) for name, value in loss_model(batch).items()}

    boxes, labels, instance = (
        np.asarray(x) for x in (taught[0].boxes, taught[0].labels, taught[0].instance)
    )
    valid = np.asarray(taught[0].sample.valid) > 0
    log_proba = class_bias - np.log(np.exp(class_bias).sum())
    assert losses["class"] == pytest.approx(-log_proba[labels[valid]].mean(), rel=1e-4)

    sure = labels > 0
    assert {1, 2, 3} == set(labels[sure])
    true = batch["boxes"][np.arange(2)[:, None], instance][sure]
    own = boxes[sure]
    size, middle = own[:, 2:] - own[:, :2], (own[:, 2:] + own[:, :2]) / 2
    true_size, true_middle = true[:, 2:] - true[:, :2], (true[:, 2:] + true[:, :2]) / 2
    wanted = np.hstack([(true_middle - middle) / size / 0.1, np.log(true_size / size) / 0.2])
    error = np.abs(box_bias[labels[sure] - 1] - wanted)
    smooth = np.where(error < 1, error**2 / 2, error - 0.5)
    assert losses["box"] == pytest.approx(smooth.sum() / valid.sum(), rel=1e-3)

    few = SETTINGS.mask_rois
    logits = mask_bias[np.maximum(labels[:, :few] - 1, 0)][..., None, None]
    numbered = batch["instances"].astype(np.int32)
    inside = np.asarray(targets.of_masks(numbered, boxes[:, :few], instance[:, :few], 28))
    entropy = np.logaddexp(0, logits) - logits * inside
    chosen = sure[:, :few]
    assert losses["mask"] == pytest.approx(entropy.mean((2, 3))[chosen].mean(), rel=1e-3)


def test_half_precision_scales_its_loss():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        loss_model, _ = loss_model_of()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert isinstance(loss_model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert np.isfinite(loss_model.train_on_batch(batch_of(loss_model, 2), return_dict=True)["loss"])


def test_boxes_and_lots_are_float32_in_every_precision(precision, monkeypatch):
    loss_model, _ = loss_model_of()
    seen: dict[str, str] = {}

    def spy(maps, proposals, batch):
        seen.update({name: keras.backend.standardize_dtype(x.dtype) for name, x in batch.items()})
        return type(loss_model)._of_regions(loss_model, maps, proposals, batch)

    monkeypatch.setattr(loss_model, "_of_regions", spy)
    loss_model.train_on_batch(batch_of(loss_model, 2))
    assert {seen[name] for name in ("boxes", "anchor_draw", "region_draw")} == {"float32"}


def test_an_image_without_instances_teaches_that_nothing_is_there():
    loss_model, _ = loss_model_of()
    figures = loss_model.train_on_batch(batch_of(loss_model, 0), return_dict=True)
    assert figures["proposal_class"] > 0 and figures["class"] > 0
    assert figures["proposal_box"] == figures["box"] == figures["mask"] == 0


def test_what_is_frozen_stays_and_the_rest_moves():
    loss_model, backbone = loss_model_of()
    frozen = freeze(backbone, "C3", batch_norm=True)
    assert frozen
    below = keras.Model(backbone.input, backbone.output["C3"])
    before = [weight.copy() for weight in below.get_weights()]
    above = [weight.copy() for weight in backbone.get_weights()]
    compile_(loss_model, 1e-2)
    loss_model.train_on_batch(batch_of(loss_model, 2))
    assert all(np.array_equal(a, b) for a, b in zip(before, below.get_weights(), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(above, backbone.get_weights(), strict=True))
    assert freeze(backbone, "C3", batch_norm=True) == []
