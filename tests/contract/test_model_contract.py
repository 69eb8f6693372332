"""For every file of conf/model: both stages in brief, valid predictions, save and load."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
from hydra.utils import instantiate

from anomaly.config.schema import RunConfig
from anomaly.data.images import photo
from anomaly.data.read import read_image
from anomaly.inspector.about import About
from anomaly.inspector.bundle import read, seal
from anomaly.metrics import operating
from anomaly.metrics.operating import OperatingPoint
from anomaly.model.learner import Learner
from anomaly.model.load import load
from anomaly.run.pooling import concatenated
from anomaly.run.tags import learner_kind
from anomaly.tracking.disk.predictions import read_predictions, write_predictions
from anomaly.types import Dataset, Predictions

OPTIONS = sorted(p.stem for p in (Path(__file__).parents[2] / "conf/model").glob("*.yaml"))
EACH = pytest.mark.parametrize("option", OPTIONS)
POINT = OperatingPoint(temperature=1.7, sorting_threshold=0.3, reject_below=0.6)
FIELDS = {"types": "proba", "score": "score", "heat": "heat", "instances": "detections"}
SMALL = {
    "model.image_size": 64,
    "model.units": 8,
    "model.views": 2,
    "model.words": 20,
    "model.scales": "[16]",
    "model.channels": 8,
    "model.anchor_scales": "[8,16,32,64,128]",
    "model.proposals_per_level": 30,
    "model.proposals": 20,
    "model.rois_per_image": 16,
    "model.max_detections": 5,
    "model.min_score": 0.0,
    "model.validate_every": 1,
    "backbone.weights": "null",
}
STAGES = [
    *("trainer.epochs=2", "trainer.finetune.epochs=1", "trainer.finetune.batch_size=8"),
    *("trainer.steps_per_epoch=1", "trainer.finetune.steps_per_epoch=1"),
]
# A short name keeps its backbone; the others get the fastest one, and of those with equal configs only
# one is trained: tests/conf shows that each selects its backbone, the backbone contract that it works.
BACKBONE = {
    "tiny": ["backbone.width=4"],
    "mobilenetv2": ["backbone.alpha=0.35"],
}
QUICK = ["backbone=tiny", "backbone.width=4"]


@contextmanager
def steps_without_a_graph(run: RunConfig) -> Iterator[None]:
    """To trace the training of Mask R-CNN takes a minute, to compute its few steps seconds.

    tests/unit/model/mask_rcnn/learning/test_loss_model.py and tests/end_to_end/test_detector.py trace it.
    """
    eager = keras.backend.backend() == "tensorflow" and learner_kind(run).startswith("mask_rcnn")
    if not eager:
        yield
        return
    import tensorflow as tf  # only here: on JAX nothing needs it

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Even though the `tf.config", UserWarning)
        tf.config.run_functions_eagerly(True)
        try:
            yield
        finally:
            tf.config.run_functions_eagerly(False)


class Fitted(NamedTuple):
    run: RunConfig
    learner: Learner
    epochs: list[tuple[int, dict]]  # as reported
    test: Predictions


@pytest.fixture(scope="module")
def fit(parsed, learner_of, demo):
    """fit(option) is a learner after an epoch or two of each stage; each is trained once."""
    fitted: dict[str, Fitted] = {}

    def make(option: str) -> Fitted:
        if option not in fitted:
            overrides = [f"model={option}", *BACKBONE.get(option, QUICK), "augment=none", *STAGES]
            keys = parsed(*overrides).model
            small = [
                f"{key}={value}"
                for key, value in SMALL.items()
                if key.startswith("backbone.") or key.removeprefix("model.") in keys
            ]
            run = parsed(*overrides, *small)
            same = [other for other in fitted.values() if other.run == run]
            fitted[option] = same[0] if same else trained(run)
        return fitted[option]

    def trained(run: RunConfig) -> Fitted:
        learner, epochs = learner_of(run), []

        def report(epoch: int, figures: dict) -> None:
            epochs.append((epoch, dict(figures)))

        with steps_without_a_graph(run):
            learner.fit(demo.train, demo.validate, run.trainer, report)
        return Fitted(run, learner, epochs, learner.predict(demo.test.images, demo.test.grid))

    return make


@EACH
def test_every_epoch_is_reported_in_order_with_finite_figures(option, fit):
    epochs, trainer = fit(option).epochs, fit(option).run.trainer
    assert [epoch for epoch, _ in epochs] == list(range(len(epochs)))
    if "trainer" in fit(option).learner.reads:
        assert len(epochs) == trainer.epochs + trainer.finetune.epochs
    for _, figures in epochs:
        assert "loss" in figures and any(name.startswith("val_") for name in figures)
        assert np.isfinite(list(figures.values())).all()


@EACH
def test_predictions_are_those_of_the_images_on_the_grid(option, fit, demo):
    predictions = fit(option).test
    assert predictions.ids == demo.test.ids
    assert predictions.classes == demo.classes
    assert predictions.grids <= {(64, 64)}
    if predictions.proba is not None:
        assert predictions.proba.min() >= 0
    if predictions.heat is not None:
        assert predictions.heat.dtype == np.float32
        assert 0 <= predictions.heat.min() <= predictions.heat.max() <= 1


@EACH
def test_instances_lie_inside_the_grid_and_fill_their_boxes(option, fit):
    for image in fit(option).test.detections or ():
        for box, mask, score in zip(image.boxes, image.masks, image.scores, strict=True):
            ys, xs = np.nonzero(mask)
            tight = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
            if option == "mask_rcnn":  # it predicts the box, and the mask lies inside
                assert (np.sign([-1, -1, 1, 1]) * (box - tight) > -0.51).all()
            else:
                assert box.tolist() == tight.tolist()
            assert 0 <= score <= 1


@EACH
def test_predicting_again_gives_the_same(option, fit, demo):
    assert_same(fit(option).learner.predict(demo.test.images, demo.test.grid), fit(option).test)


@EACH
def test_a_prediction_does_not_depend_on_the_other_images(option, fit, demo):
    alone = fit(option).learner.predict(demo.test.images[1:2], demo.test.grid)
    assert_same(alone, fit(option).test.select([1]), atol=1e-5)


@EACH
def test_a_saved_learner_predicts_the_same_even_without_a_cache(option, fit, demo, cache, tmp_path):
    fitted = fit(option)
    fitted.learner.save(tmp_path / "deep" / "model")
    loaded = load(learner_kind(fitted.run), tmp_path / "deep" / "model", cache)
    assert_same(loaded.predict(demo.test.images, demo.test.grid), fitted.test)


@EACH
def test_a_bundle_judges_photos_in_files_as_the_run_recorded_to_the_last_bit(
    option, fit, demo, tmp_path
):
    fitted = fit(option)
    recorded = operating.calibrated(fitted.test, POINT)
    write_predictions(tmp_path / "test.npz", recorded)
    fitted.learner.save(tmp_path / "bundle")
    seal(tmp_path / "bundle", about(learner_kind(fitted.run), demo))
    files = [tmp_path / f"{place}.png" for place in range(len(demo.test))]
    for file, image in zip(files, demo.test.images, strict=True):
        file.write_bytes(image.source.read_bytes())
    photos = [photo(file, image.id) for file, image in zip(files, demo.test.images, strict=True)]
    inspector = read(tmp_path / "bundle")
    judged = [inspector.predict([one]) for one in photos]  # no photo depends on its company
    assert_equal(concatenated(judged), read_predictions(tmp_path / "test.npz"))


@EACH
def test_pixels_in_memory_are_judged_as_their_file(option, fit, demo):
    images = demo.test.images[:2]
    pixels = [photo(read_image(image.source), image.id) for image in images]
    from_file, from_memory = (fit(option).learner.predict(i, 64) for i in (images, pixels))
    assert_same(from_memory, from_file, atol=0)


@EACH
def test_reads_and_tells_match_its_build_and_its_predictions(option, fit):
    learner, build = fit(option).learner, instantiate(fit(option).run.model).func
    taken = set(inspect.signature(build).parameters) & {"backbone", "augment", "optimizer"}
    assert learner.reads - {"trainer"} == taken
    assert ("backbone" in learner.reads) == (learner.model is not None)
    test = fit(option).test
    assert learner.tells == {w for w, field in FIELDS.items() if getattr(test, field) is not None}


@EACH
def test_the_keras_model_of_a_classifier_predicts_the_classes_of_rgb_images(option, fit, demo):
    model = fit(option).learner.model
    if model is None or isinstance(model.output, dict):
        return  # no network, or one that finds instances
    images = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]))
    proba = np.asarray(model.predict_on_batch(images.astype(np.float32)))
    assert proba.shape == (2, len(demo.classes))
    assert np.allclose(proba.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize(
    "option", ["classifier", "bovw", "mask_rcnn"]
)  # one of each learner: training is slow
def test_the_same_seed_learns_the_same(option, fit, learner_of, demo):
    run = fit(option).run
    again = learner_of(run)
    with steps_without_a_graph(run):
        again.fit(demo.train, demo.validate, run.trainer, lambda epoch, figures: None)
    predictions = again.predict(demo.test.images, demo.test.grid)
    assert np.allclose(predictions.proba, fit(option).test.proba, atol=1e-3)


def about(kind: str, demo: Dataset) -> About:
    return About(
        kind=kind, ensemble=False, category="demo", classes=list(demo.classes), grid=demo.test.grid,
        temperature=POINT.temperature, sorting_threshold=POINT.sorting_threshold,
        reject_below=POINT.reject_below, validate_scores=[], validate_defective=[], figures={},
        evidence="nothing", outcomes={}, run={"id": "0", "name": "test"}, versions={}, created="",
    )  # fmt: skip


def assert_equal(one: Predictions, other: Predictions) -> None:
    """To the last bit."""
    for name in ("ids", "classes", "proba", "score", "heat", "segmentation"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for a, b in zip(one.detections or (), other.detections or (), strict=True):
        for name in ("boxes", "masks", "scores", "labels"):
            assert np.array_equal(getattr(a, name), getattr(b, name)), name


def assert_same(one: Predictions, other: Predictions, atol: float = 1e-6) -> None:
    assert one.ids == other.ids
    for name in ("proba", "score", "heat", "segmentation"):
        first, second = getattr(one, name), getattr(other, name)
        assert (first is None) == (second is None)
        assert first is None or np.allclose(first, second, rtol=0, atol=atol)
    for a, b in zip(one.detections or (), other.detections or (), strict=True):
        assert np.allclose(a.boxes, b.boxes)
        assert np.array_equal(a.masks, b.masks)
