"""The bag of words as a learner: images without a keypoint, repeatable, safe to load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from anomaly.augment import light, none
from anomaly.cache.store import Cache
from anomaly.data.read import digest
from anomaly.errors import InputError
from anomaly.model.bovw import build
from anomaly.model.bovw.learner import BagOfWords
from anomaly.model.load import load
from anomaly.types import Dataset, Image, Predictions, Sample, Split

ROOT = Path(__file__).parents[4]
SMALL = {
    "image_size": 64,
    "sampling": "dense",
    "step": 8,
    "scales": [16],
    "words": 12,
    "root": True,
    "pyramid": 2,
    "C": 10.0,
    "gamma": 1.0,
    "grid": False,
    "views": 1,
}


def untrained(demo: Dataset, cache: Cache, **values: object) -> BagOfWords:
    """A learner for the demo's classes, without augmentation unless `values` say so."""
    given = {"classes": demo.classes, "augment": none.build(seed=0), "cache": cache, "seed": 0}
    return build(**given | SMALL | values)


def trained(demo: Dataset, cache: Cache, **values: object) -> BagOfWords:
    learner = untrained(demo, cache, **values)
    learner.fit(demo.train, demo.validate, None, None)
    return learner


def with_flat_images(split: Split, folder: Path) -> Split:
    """The split with one more image of each class that is grey all over."""
    path = folder / "flat.png"
    cv2.imwrite(str(path), np.full((64, 64, 3), 128, np.uint8))
    firsts = {sample.label: sample for sample in split}
    flat = [
        Sample(Image(f"flat/{s.label}", path, digest(path)), s.annotation, 10_000 + s.label)
        for s in firsts.values()
    ]
    return Split(split.name, (*split.samples, *flat), split.grid)


def test_keypoints_of_every_class_are_enough(demo, store):
    learner = trained(demo, store, sampling="keypoint", words=4)
    assert np.isfinite(learner.predict(demo.test.images, demo.test.grid).heat).all()


@pytest.mark.parametrize("sampling", ["keypoint", "dense"])
def test_flat_images_are_learned_and_predicted_too(sampling, demo, cache, tmp_path):
    train, test = (with_flat_images(part, tmp_path) for part in (demo.train, demo.test))
    learner = untrained(demo, cache, sampling=sampling, words=4)
    learner.fit(train, demo.validate, None, None)
    predictions = learner.predict(test.images, test.grid)
    assert np.allclose(predictions.proba[-1], predictions.proba[-2])
    if sampling == "keypoint":
        assert not predictions.heat[-1].any()


def test_the_same_seed_learns_the_same_whatever_the_cache_holds(demo, store, cache):
    assert_same(
        *(
            trained(demo, c, seed=5).predict(demo.test.images, demo.test.grid)
            for c in (store, store, cache)
        )
    )


def test_versions_of_the_policy_are_learned(demo, store):
    policy = light.build(seed=0, factor="balance", good_factor=8)
    plain, turned = trained(demo, store), trained(demo, store, augment=policy)
    assert len(turned.bag.machines.support) > 2 * len(plain.bag.machines.support)


def test_a_run_on_a_warm_cache_describes_no_picture(demo, store, monkeypatch):
    before = trained(demo, store).predict(demo.test.images, demo.test.grid)

    def refuse(*_: object) -> None:
        raise AssertionError("SIFT was computed although its patches are in the cache")

    monkeypatch.setattr("anomaly.model.bovw.encoder.describe", refuse)
    monkeypatch.setattr("anomaly.model.bovw.encoder.learn", refuse)
    assert_same(trained(demo, store).predict(demo.test.images, demo.test.grid), before)


def test_the_grid_search_keeps_to_the_train_part_and_says_what_it_chose(demo, store, caplog):
    with caplog.at_level("INFO"):
        trained(demo, store, grid=True)
    assert "grid search: model.C=" in caplog.text


def test_fewer_descriptors_than_words_are_explained(demo, store):
    with pytest.raises(InputError, match=r"fewer than model\.words=5000: lower model\.words"):
        trained(demo, store, words=5000)


@pytest.mark.parametrize("scales", [[], [16, 65]])
def test_patches_larger_than_the_image_are_refused(scales, demo, store):
    with pytest.raises(InputError, match=r"none above model\.image_size=64"):
        untrained(demo, store, scales=scales)


def test_a_loaded_bag_predicts_but_cannot_be_trained(demo, store, cache, tmp_path):
    learner = trained(demo, store)
    learner.save(tmp_path / "bag")
    loaded = load("bovw", tmp_path / "bag", cache)
    assert_same(
        loaded.predict(demo.test.images, demo.test.grid),
        learner.predict(demo.test.images, demo.test.grid),
    )
    with pytest.raises(ValueError, match="build a new one"):
        loaded.fit(demo.train, demo.validate, None, None)


def test_an_untrained_bag_neither_predicts_nor_is_saved(demo, store, tmp_path):
    with pytest.raises(ValueError, match="must be trained"):
        untrained(demo, store).predict(demo.test.images, demo.test.grid)
    with pytest.raises(ValueError, match="must be trained"):
        untrained(demo, store).save(tmp_path)


def truncated(folder: Path) -> None:
    file = folder / "bovw.npz"
    file.write_bytes(file.read_bytes()[:-200])


def flipped(folder: Path) -> None:
    file = folder / "bovw.npz"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255
    file.write_bytes(bytes(data))


def foreign(folder: Path) -> None:
    np.savez(folder / "bovw.npz", words=np.zeros((3, 2)))


def pickled(folder: Path) -> None:
    np.savez(folder / "bovw.npz", words=np.array([{}], object))


def infinite(folder: Path) -> None:
    with np.load(folder / "bovw.npz") as file:
        arrays = dict(file)
    np.savez(folder / "bovw.npz", **arrays | {"good": np.full_like(arrays["good"], np.inf)})


def without_a_key(folder: Path) -> None:
    content = json.loads((folder / "bovw.json").read_text())
    del content["pyramid"]
    (folder / "bovw.json").write_text(json.dumps(content))


def with_another_pyramid(folder: Path) -> None:
    content = json.loads((folder / "bovw.json").read_text())
    (folder / "bovw.json").write_text(json.dumps(content | {"pyramid": 3}))


def no_json(folder: Path) -> None:
    (folder / "bovw.json").write_text("[1, 2]")


def missing(folder: Path) -> None:
    (folder / "bovw.npz").unlink()


DAMAGE = [
    *(truncated, flipped, foreign, pickled, infinite, without_a_key, with_another_pyramid),
    *(no_json, missing),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_or_foreign_files_are_refused(damage, demo, store, tmp_path):
    trained(demo, store).save(tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match=r"the model in .* cannot be read"):
        load("bovw", tmp_path)


def test_it_loads_no_network_library():
    code = """
import sys, anomaly.model.bovw.learner
print(sorted({"keras", "tensorflow", "jax", "mlflow", "albumentations"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def assert_same(first: Predictions, *others: Predictions) -> None:
    for other in others:
        assert np.array_equal(first.proba, other.proba)
        assert np.array_equal(first.heat, other.heat)
