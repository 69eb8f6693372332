"""For every file of conf/model: both stages in brief, valid predictions, and its own files."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hydra.utils import instantiate

from anomaly.config.schema import RunConfig
from anomaly.data.images import photo
from anomaly.data.read import read_image
from anomaly.model.load import load
from anomaly.types import Predictions

OPTIONS = sorted(p.stem for p in (Path(__file__).parents[2] / "conf/model").glob("*.yaml"))
EACH = pytest.mark.parametrize("option", OPTIONS)
NETWORKS = [option for option in OPTIONS if option != "bovw"]
CLASSIFIERS = [option for option in NETWORKS if option != "mask_rcnn"]
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
STAGES = ["trainer.epochs=2", "trainer.finetune.epochs=1", "trainer.finetune.batch_size=8"]
# A short name brings its own; the others get the quickest, and are trained once if that is all
# they differ by: tests/conf shows that each picks its backbone, the backbone battery that it works.
BACKBONE = {
    "tiny": ["backbone.width=4"],
    "mobilenetv2": ["backbone.alpha=0.35"],
}
QUICK = ["backbone=tiny", "backbone.width=4"]


class Fitted(NamedTuple):
    run: RunConfig
    learner: object
    told: list[tuple[int, dict]]
    test: Predictions


@pytest.fixture(scope="module")
def fit(parsed, learner_of, demo):
    """fit(option) is a learner after an epoch or two of each stage; each is trained once."""
    known: dict[str, Fitted] = {}

    def make(option: str) -> Fitted:
        if option not in known:
            own = [f"model={option}", *BACKBONE.get(option, QUICK), "augment=none", *STAGES]
            keys = parsed(*own).model
            small = [
                f"{key}={value}"
                for key, value in SMALL.items()
                if key.startswith("backbone.") or key.removeprefix("model.") in keys
            ]
            run = parsed(*own, *small)
            same = [fitted for fitted in known.values() if fitted.run == run]
            known[option] = same[0] if same else trained(run)
        return known[option]

    def trained(run: RunConfig) -> Fitted:
        learner, told = learner_of(run), []
        learner.fit(demo.train, demo.validate, run.trainer, lambda e, v: told.append((e, dict(v))))
        return Fitted(run, learner, told, learner.predict(demo.test.images, demo.test.grid))

    return make


@EACH
def test_every_epoch_is_reported_in_order_with_finite_figures(option, fit):
    told = fit(option).told
    assert [epoch for epoch, _ in told] == list(range(len(told)))
    assert len(told) == (3 if option in NETWORKS else 0)
    for _, figures in told:
        assert {"loss", "val_map" if option == "mask_rcnn" else "val_loss"} <= set(figures)
        assert np.isfinite(list(figures.values())).all()


@EACH
def test_predictions_are_those_of_the_split_on_its_grid(option, fit, demo):
    predictions = fit(option).test
    assert predictions.ids == demo.test.ids
    assert predictions.classes == demo.classes
    assert predictions.heat.shape == (len(demo.test), 64, 64)
    assert predictions.heat.dtype == np.float32
    assert 0 <= predictions.heat.min() <= predictions.heat.max() <= 1
    assert predictions.proba.min() >= 0


@EACH
def test_instances_lie_inside_the_grid_and_fill_their_boxes(option, fit):
    for found in fit(option).test.detections:
        for box, mask, score in zip(found.boxes, found.masks, found.scores, strict=True):
            ys, xs = np.nonzero(mask)
            drawn = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
            if option == "mask_rcnn":  # a box is predicted by itself, and its mask lies within
                assert (np.sign([-1, -1, 1, 1]) * (box - drawn) > -0.51).all()
            else:
                assert box.tolist() == drawn.tolist()
            assert 0 <= score <= 1


@EACH
def test_predicting_again_gives_the_same(option, fit, demo):
    assert_same(fit(option).learner.predict(demo.test.images, demo.test.grid), fit(option).test)


@EACH
def test_an_image_is_predicted_alike_whatever_its_company(option, fit, demo):
    one = type(demo.test)("test", demo.test.samples[1:2], demo.test.grid)
    alone, all_ = fit(option).learner.predict(one.images, one.grid), fit(option).test
    assert np.allclose(alone.proba[0], all_.proba[1], atol=1e-6)
    assert np.allclose(alone.heat[0], all_.heat[1], atol=1e-5)


@EACH
def test_a_saved_learner_predicts_the_same_even_without_a_cache(option, fit, demo, cache, tmp_path):
    fitted = fit(option)
    fitted.learner.save(tmp_path / "deep" / "model")
    loaded = load(tmp_path / "deep" / "model", cache)
    assert_same(loaded.predict(demo.test.images, demo.test.grid), fitted.test)


@EACH
def test_a_photo_in_a_file_is_judged_without_labels_masks_or_cache(option, fit, demo, tmp_path):
    fitted = fit(option)
    fitted.learner.save(tmp_path / "model")
    files = [tmp_path / f"{place}.png" for place in range(len(demo.test))]
    for file, image in zip(files, demo.test.images, strict=True):
        file.write_bytes(image.source.read_bytes())
    photos = [photo(file, image.id) for file, image in zip(files, demo.test.images, strict=True)]
    judged = load(tmp_path / "model").predict(photos, demo.test.grid)
    assert np.array_equal(judged.proba, fitted.test.proba)
    assert np.array_equal(judged.heat, fitted.test.heat)


@EACH
def test_pixels_in_memory_are_judged_as_their_file(option, fit, demo):
    images = demo.test.images[:2]
    pixels = [photo(read_image(image.source)) for image in images]
    from_file, from_memory = (fit(option).learner.predict(i, 64) for i in (images, pixels))
    assert np.array_equal(from_memory.proba, from_file.proba)
    assert from_memory.ids == tuple(image.id for image in pixels)


@EACH
def test_it_reads_what_its_build_asks_for_and_says_what_it_tells(option, fit):
    learner, build = fit(option).learner, instantiate(fit(option).run.model).func
    asked = set(inspect.signature(build).parameters) & {"backbone", "augment", "optimizer"}
    assert learner.reads - {"trainer"} == asked
    assert ("backbone" in learner.reads) == (learner.model is not None) == (option in NETWORKS)
    says = {"types": "proba", "heat": "heat", "instances": "detections"}
    assert learner.tells == {
        word for word, f in says.items() if getattr(fit(option).test, f) is not None
    }


@pytest.mark.parametrize("option", CLASSIFIERS)
def test_its_keras_model_alone_names_the_classes_of_rgb_images(option, fit, demo):
    model = fit(option).learner.model
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
    again.fit(demo.train, demo.validate, run.trainer, lambda e, v: None)
    predictions = again.predict(demo.test.images, demo.test.grid)
    assert np.allclose(predictions.proba, fit(option).test.proba, atol=1e-3)


def assert_same(one: Predictions, other: Predictions) -> None:
    assert one.ids == other.ids
    assert np.allclose(one.proba, other.proba, atol=1e-6)
    assert np.allclose(one.heat, other.heat, atol=1e-6)
    for a, b in zip(one.detections, other.detections, strict=True):
        assert np.allclose(a.boxes, b.boxes)
        assert np.array_equal(a.masks, b.masks)
