"""Predictions as a file: what is read is what was written; nothing else is read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anomaly.errors import InputError
from anomaly.tracking.disk.predictions import read_called, read_predictions, write_predictions
from anomaly.types import FIELDS, Detections, Predictions

GRID = 20  # no multiple of 8, so that packed bits have a rest
CLASSES = ("good", "bent", "größer als 1 %")


def random_predictions(counts: list[int], seed: int = 0) -> Predictions:
    random = np.random.default_rng(seed)
    found = [
        Detections(
            random.random((k, 4)).astype(np.float32) * GRID,
            random.random((k, GRID, GRID)) > 0.5,
            random.random(k).astype(np.float32),
            random.integers(1, 3, k),
        )
        for k in counts
    ]
    n = len(counts)
    heat = random.random((n, GRID, GRID)).astype(np.float32)
    ids = tuple(f"test/größer als 1 %/{i}.png" for i in range(n))
    proba = random.dirichlet(np.ones(3), n)
    score = random.normal(0, 9, n).astype(np.float32)
    return Predictions(ids, CLASSES, proba, heat, heat > 0.5, tuple(found), score)


def of_before(predictions: Predictions) -> dict[str, np.ndarray]:
    """The arrays of files that were written before fields could be absent."""
    found = predictions.detections
    return {
        "ids": np.array(predictions.ids, np.str_),
        "classes": np.array(predictions.classes, np.str_),
        "proba": predictions.proba,
        "heat": np.rint(predictions.heat * 65535).astype(np.uint16),
        "segmentation": np.packbits(predictions.segmentation, axis=-1),
        "counts": np.array([len(d) for d in found], np.int64),
        "boxes": np.concatenate([d.boxes for d in found]),
        "masks": np.packbits(np.concatenate([d.masks for d in found]), axis=-1),
        "scores": np.concatenate([d.scores for d in found]),
        "labels": np.concatenate([d.labels for d in found]),
    }


def assert_same(read: Predictions, written: Predictions) -> None:
    """To the last bit, but for the heat."""
    assert (read.ids, read.classes) == (written.ids, written.classes)
    assert np.abs(read.heat - written.heat).max() <= 0.5 / 65535 + 1e-7
    for name in ("proba", "segmentation", "score"):
        one, other = getattr(read, name), getattr(written, name)
        assert np.array_equal(one, other)
        assert getattr(one, "dtype", None) == getattr(other, "dtype", None)
    for one, other in zip(read.detections, written.detections, strict=True):
        for name in ("boxes", "masks", "scores", "labels"):
            a, b = getattr(one, name), getattr(other, name)
            assert a.dtype == b.dtype
            assert np.array_equal(a, b)


@pytest.mark.parametrize("counts", [[0], [0, 0, 0], [3], [2, 0, 1, 0], [0, 5]])
def test_what_is_written_is_read_again(counts, tmp_path):
    written = random_predictions(counts)
    write_predictions(tmp_path / "deep" / "val.npz", written)
    assert_same(read_predictions(tmp_path / "deep" / "val.npz"), written)


@pytest.mark.parametrize("counts", [[0], [2, 0, 1]])
def test_a_file_of_before_is_read(counts, tmp_path):
    written = replace(random_predictions(counts), score=None)
    np.savez_compressed(tmp_path / "val.npz", **of_before(written))
    assert_same(read_predictions(tmp_path / "val.npz"), written)


@pytest.mark.parametrize("field", FIELDS)
def test_an_absent_field_stays_absent_and_the_others_stay(field, tmp_path):
    written = replace(random_predictions([2, 0, 1]), **{field: None})
    write_predictions(tmp_path / "val.npz", written)
    read = read_predictions(tmp_path / "val.npz")
    assert [name for name in FIELDS if getattr(read, name) is None] == [field]
    if field != "segmentation":
        assert np.array_equal(read.segmentation, written.segmentation)
    if field != "detections":
        assert np.array_equal(read.detections[0].masks, written.detections[0].masks)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_may_be_the_only_one(field, tmp_path):
    every = random_predictions([0, 0] if field == "detections" else [2, 0])
    written = Predictions(every.ids, CLASSES, **{field: getattr(every, field)})
    write_predictions(tmp_path / "val.npz", written)
    read = read_predictions(tmp_path / "val.npz")
    assert [name for name in FIELDS if getattr(read, name) is not None] == [field]
    if field == "detections":
        assert [d.masks.shape for d in read.detections] == [(0, GRID, GRID)] * 2


def test_who_names_no_class_calls_nothing(tmp_path):
    write_predictions(tmp_path / "val.npz", replace(random_predictions([1, 0]), proba=None))
    assert read_called(tmp_path / "val.npz") == {}


def test_writing_what_was_read_changes_nothing(tmp_path):
    write_predictions(tmp_path / "a.npz", random_predictions([2, 0, 1]))
    write_predictions(tmp_path / "b.npz", read_predictions(tmp_path / "a.npz"))
    a, b = (read_predictions(tmp_path / name) for name in ("a.npz", "b.npz"))
    assert np.array_equal(a.heat, b.heat)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["a.npz", "b.npz"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.npz holds no usable predictions"):
        read_predictions(tmp_path / "none.npz")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_that_was_cut_is_refused(share, tmp_path):
    path = tmp_path / "val.npz"
    write_predictions(path, random_predictions([2, 1]))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InputError):
        read_predictions(path)


def test_a_file_with_changed_bytes_is_refused(tmp_path):
    path = tmp_path / "val.npz"
    write_predictions(path, random_predictions([2, 1]))
    content = bytearray(path.read_bytes())
    middle = content.index(b"heat.npy") + 200
    content[middle : middle + 50] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_predictions(path)


class Trap:
    """Unpickling it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_refused_without_being_opened(tmp_path):
    trap = np.array([Trap(tmp_path / "sprung")], object)
    np.savez(tmp_path / "val.npz", ids=trap, heat=np.zeros((1, 4, 4)))
    np.save(tmp_path / "whole.npy", trap, allow_pickle=True)
    for name in ("val.npz", "whole.npy"):
        with pytest.raises(InputError):
            read_predictions(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_another_npz_is_refused(tmp_path):
    np.savez(tmp_path / "val.npz", a=np.zeros(3))
    with pytest.raises(
        InputError,
        match=r"the file is damaged, or another one; run that training again \(trainer.rerun=true\)",
    ):
        read_predictions(tmp_path / "val.npz")


def test_the_called_classes_are_read_without_the_maps(tmp_path):
    written = random_predictions([2, 0, 1, 0])
    write_predictions(tmp_path / "val.npz", written)
    called = read_called(tmp_path / "val.npz")
    assert list(called) == list(written.ids)
    assert list(called.values()) == [CLASSES[label] for label in written.labels]


def test_called_classes_of_a_damaged_file_are_refused(tmp_path):
    (tmp_path / "val.npz").write_bytes(b"PK damaged")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("val.npz", "other.npz", "none.npz"):
        with pytest.raises(InputError, match=f"{name} holds no usable predictions"):
            read_called(tmp_path / name)
