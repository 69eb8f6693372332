"""The training graph: its losses, its gradients, and its precision."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from anomaly.backbone import tiny
from anomaly.model.mask_rcnn.learning import targets
from anomaly.model.mask_rcnn.learning.loss_model import LossModel
from anomaly.model.mask_rcnn.network import Blocks, inference_model
from anomaly.model.mask_rcnn.pyramid import freeze

from ..test_backends import SETTINGS

INSTANCES = 3


@pytest.fixture(params=["float32", "mixed_bfloat16"])
def precision(request):
    keras.mixed_precision.set_global_policy(request.param)
    yield request.param
    keras.mixed_precision.set_global_policy("float32")


def batch_of(loss_model: LossModel, instances: int) -> dict[str, np.ndarray]:
    """Two images of noise with this number of rectangles in each."""
    random = np.random.default_rng(0)
    boxes, labels = np.zeros((2, INSTANCES, 4), np.float32), np.zeros((2, INSTANCES), np.int32)
    label_map = np.zeros((2, 64, 64), np.uint8)
    for k in range(instances):
        boxes[:, k], labels[:, k] = (20 * k, 10, 20 * k + 15, 40), k + 1
        label_map[:, 10:40, 20 * k : 20 * k + 15] = k + 1
    proposals = SETTINGS.proposals + INSTANCES
    return {
        "image": random.integers(0, 256, (2, 64, 64, 3), np.uint8),
        "boxes": boxes,
        "labels": labels,
        "instances": label_map,
        "anchor_draw": random.random((2, len(loss_model.anchors)), np.float32),
        "region_draw": random.random((2, proposals), np.float32),
    }


def loss_model_of() -> tuple[LossModel, keras.Model]:
    keras.utils.set_random_seed(0)
    backbone = tiny.build(image_size=64, weights=None, width=8)
    blocks = Blocks(backbone, 4, SETTINGS)
    loss_model = LossModel(inference_model(blocks), blocks)
    compile_(loss_model, 1e-3)
    return loss_model, backbone


def compile_(loss_model: LossModel, rate: float, graph: bool = False) -> None:
    """Builds the optimizer's variables as well, so that a graph is traced only once.

    A single step takes a tenth of the time without a graph.
    """
    loss_model.compile(keras.optimizers.Adam(rate), jit_compile=False, run_eagerly=not graph)
    loss_model.optimizer.build(loss_model.trainable_variables)


@pytest.mark.parametrize(
    "precision", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)], indirect=True
)
def test_it_learns_in_every_precision_with_outputs_in_float32(precision):
    loss_model, _ = loss_model_of()
    compile_(loss_model, 1e-3, graph=True)
    batch = batch_of(loss_model, 2)
    losses = [loss_model.train_on_batch(batch, return_dict=True)["loss"] for _ in range(12)]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.8 * losses[0]
    outputs = loss_model.network.predict_on_batch(batch["image"])
    assert {np.asarray(outputs[name]).dtype for name in ("boxes", "scores", "masks")} == {
        np.dtype("float32")
    }
    head = loss_model.blocks.box_head.get_layer("hidden_1")
    assert head.compute_dtype == precision.removeprefix("mixed_")


def test_the_losses_of_a_region_use_the_outputs_of_its_class_and_instance(monkeypatch):
    """Heads with the same output for every region, different for each class; losses in numpy."""
    loss_model, _ = loss_model_of()
    random = np.random.default_rng(1)
    class_bias, box_bias = random.normal(size=4), random.normal(size=(3, 4))
    mask_bias = random.normal(size=3)
    heads = loss_model.blocks.box_head, loss_model.blocks.mask_head
    for head, name, bias in (
        (heads[0], "class", class_bias), (heads[0], "box", box_bias), (heads[1], "mask", mask_bias)
    ):  # fmt: skip
        kernel, _ = head.get_layer(name).get_weights()
        head.get_layer(name).set_weights([kernel * 0, bias.ravel()])
    sampled: list[targets.Regions] = []
    of_regions = targets.of_regions

    def spy(*arguments):
        sampled.append(of_regions(*arguments))
        return sampled[-1]

    monkeypatch.setattr(targets, "of_regions", spy)
    batch = batch_of(loss_model, 3)
    losses = {name: float(value) for name, value in loss_model(batch).items()}

    (regions,) = sampled
    boxes, labels, instance = map(np.asarray, (regions.boxes, regions.labels, regions.instance))
    valid = np.asarray(regions.sampled.valid) > 0
    log_proba = class_bias - np.log(np.exp(class_bias).sum())
    assert losses["class"] == pytest.approx(-log_proba[labels[valid]].mean(), rel=1e-4)

    positive = labels > 0
    assert {1, 2, 3} == set(labels[positive])
    true = batch["boxes"][np.arange(2)[:, None], instance][positive]
    of_positive = boxes[positive]
    size = of_positive[:, 2:] - of_positive[:, :2]
    centre = (of_positive[:, 2:] + of_positive[:, :2]) / 2
    true_size, true_centre = true[:, 2:] - true[:, :2], (true[:, 2:] + true[:, :2]) / 2
    deltas = np.hstack([(true_centre - centre) / size / 0.1, np.log(true_size / size) / 0.2])
    error = np.abs(box_bias[labels[positive] - 1] - deltas)
    smooth = np.where(error < 1, error**2 / 2, error - 0.5)
    assert losses["box"] == pytest.approx(smooth.sum() / valid.sum(), rel=1e-3)

    few = SETTINGS.mask_rois
    logits = mask_bias[np.maximum(labels[:, :few] - 1, 0)][..., None, None]
    label_map = batch["instances"].astype(np.int32)
    inside = np.asarray(targets.of_masks(label_map, boxes[:, :few], instance[:, :few], 28))
    entropy = np.logaddexp(0, logits) - logits * inside
    chosen = positive[:, :few]
    assert losses["mask"] == pytest.approx(entropy.mean((2, 3))[chosen].mean(), rel=1e-3)


def test_half_precision_scales_its_loss():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        loss_model, _ = loss_model_of()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert isinstance(loss_model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert np.isfinite(loss_model.train_on_batch(batch_of(loss_model, 2), return_dict=True)["loss"])


def test_boxes_and_random_numbers_are_float32_in_every_precision(precision, monkeypatch):
    loss_model, _ = loss_model_of()
    dtypes: dict[str, str] = {}

    def spy(maps, proposals, batch):
        dtypes.update({name: keras.backend.standardize_dtype(x.dtype) for name, x in batch.items()})
        return type(loss_model)._region_losses(loss_model, maps, proposals, batch)

    monkeypatch.setattr(loss_model, "_region_losses", spy)
    loss_model.train_on_batch(batch_of(loss_model, 2))
    assert {dtypes[name] for name in ("boxes", "anchor_draw", "region_draw")} == {"float32"}


def test_an_image_without_instances_has_only_the_losses_of_background():
    loss_model, _ = loss_model_of()
    figures = loss_model.train_on_batch(batch_of(loss_model, 0), return_dict=True)
    assert figures["proposal_class"] > 0 and figures["class"] > 0
    assert figures["proposal_box"] == figures["box"] == figures["mask"] == 0


def test_frozen_weights_stay_and_the_others_change():
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
