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
from anomaly.model.bovw import build, load
from anomaly.model.bovw.learner import BagOfWords
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


def made(demo: Dataset, cache: Cache, **values: object) -> BagOfWords:
    """A learner for the demo's classes, without augmentation unless `values` say so."""
    given = {"classes": demo.classes, "augment": none.build(seed=0), "cache": cache, "seed": 0}
    return build(**given | SMALL | values)


def learned(demo: Dataset, cache: Cache, **values: object) -> BagOfWords:
    own = made(demo, cache, **values)
    own.fit(demo.train, demo.validate, None, None)
    return own


def with_flat_images(split: Split, folder: Path) -> Split:
    """The split with one more image of each class on which nothing is to be seen."""
    path = folder / "flat.png"
    cv2.imwrite(str(path), np.full((64, 64, 3), 128, np.uint8))
    firsts = {sample.label: sample for sample in split}
    flat = [
        Sample(Image(f"flat/{s.label}", path, digest(path)), s.annotation, 10_000 + s.label)
        for s in firsts.values()
    ]
    return Split(split.name, (*split.samples, *flat), split.grid)


def test_keypoints_of_every_class_are_enough(demo, store):
    own = learned(demo, store, sampling="keypoint", words=4)
    assert np.isfinite(own.predict(demo.test.images, demo.test.grid).heat).all()


@pytest.mark.parametrize("sampling", ["keypoint", "dense"])
def test_flat_images_are_learned_and_predicted_too(sampling, demo, cache, tmp_path):
    train, test = (with_flat_images(part, tmp_path) for part in (demo.train, demo.test))
    own = made(demo, cache, sampling=sampling, words=4)
    own.fit(train, demo.validate, None, None)
    flat = own.predict(test.images, test.grid)
    assert np.allclose(flat.proba[-1], flat.proba[-2])
    if sampling == "keypoint":
        assert not flat.heat[-1].any()


def test_the_same_seed_learns_the_same_whatever_the_cache_holds(demo, store, cache):
    assert_same(
        *(
            learned(demo, c, seed=5).predict(demo.test.images, demo.test.grid)
            for c in (store, store, cache)
        )
    )


def test_versions_of_the_policy_are_learned(demo, store):
    policy = light.build(seed=0, factor="balance", good_factor=8)
    plain, turned = learned(demo, store), learned(demo, store, augment=policy)
    assert len(turned.bag.machines.support) > 2 * len(plain.bag.machines.support)


def test_a_warm_run_describes_nothing_anew(demo, store, monkeypatch):
    before = learned(demo, store).predict(demo.test.images, demo.test.grid)

    def refuse(*_: object) -> None:
        raise AssertionError("SIFT was computed although its patches are in the cache")

    monkeypatch.setattr("anomaly.model.bovw.encoder.describe", refuse)
    monkeypatch.setattr("anomaly.model.bovw.encoder.learn", refuse)
    assert_same(learned(demo, store).predict(demo.test.images, demo.test.grid), before)


def test_the_grid_search_keeps_to_the_train_part_and_says_what_it_chose(demo, store, caplog):
    with caplog.at_level("INFO"):
        learned(demo, store, grid=True)
    assert "grid search: model.C=" in caplog.text


def test_fewer_descriptors_than_words_are_explained(demo, store):
    with pytest.raises(InputError, match=r"fewer than model\.words=5000: lower model\.words"):
        learned(demo, store, words=5000)


@pytest.mark.parametrize("scales", [[], [16, 65]])
def test_patches_that_no_image_has_are_refused(scales, demo, store):
    with pytest.raises(InputError, match=r"none above model\.image_size=64"):
        made(demo, store, scales=scales)


def test_a_loaded_bag_predicts_and_learns_no_more(demo, store, cache, tmp_path):
    own = learned(demo, store)
    own.save(tmp_path / "bag")
    loaded = load(tmp_path / "bag", cache)
    assert_same(
        loaded.predict(demo.test.images, demo.test.grid),
        own.predict(demo.test.images, demo.test.grid),
    )
    with pytest.raises(ValueError, match="build a new one"):
        loaded.fit(demo.train, demo.validate, None, None)


def test_a_bag_that_has_learned_nothing_neither_predicts_nor_is_saved(demo, store, tmp_path):
    with pytest.raises(ValueError, match="has to learn"):
        made(demo, store).predict(demo.test.images, demo.test.grid)
    with pytest.raises(ValueError, match="has to learn"):
        made(demo, store).save(tmp_path)


def cut(folder: Path) -> None:
    file = folder / "bovw.npz"
    file.write_bytes(file.read_bytes()[:-200])


def flip(folder: Path) -> None:
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


def gone(folder: Path) -> None:
    (folder / "bovw.npz").unlink()


DAMAGE = [cut, flip, foreign, pickled, infinite, without_a_key, with_another_pyramid, no_json, gone]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_or_foreign_files_are_refused(damage, demo, store, cache, tmp_path):
    learned(demo, store).save(tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match="holds no usable bag of words"):
        load(tmp_path, cache)


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
