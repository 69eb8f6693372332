"""Values are checked where they are born."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anomaly.types import (
    FIELDS,
    Annotation,
    Dataset,
    Detections,
    Image,
    Predictions,
    Sample,
    Split,
    Truth,
)


def sample(name: str, group: int, label: int = 0) -> Sample:
    return Sample(Image(name, Path(name), "digest"), Annotation(label), group)


def detections(count: int = 2, **changed) -> Detections:
    values = {
        "boxes": np.zeros((count, 4), np.float32),
        "masks": np.zeros((count, 8, 8), bool),
        "scores": np.zeros(count, np.float32),
        "labels": np.ones(count, np.int64),
    }
    return Detections(**{**values, **changed})


def predictions(**changed) -> Predictions:
    values = {
        "ids": ("a", "b", "c"),
        "classes": ("good", "bent"),
        "proba": np.full((3, 2), 0.5),
        "heat": np.zeros((3, 8, 8), np.float32),
        "segmentation": np.zeros((3, 8, 8), bool),
        "detections": (detections(0), detections(1), detections(2)),
        "score": np.zeros(3, np.float32),
    }
    return Predictions(**{**values, **changed})


def test_valid_values_are_born():
    assert len(detections(3)) == 3
    assert predictions().labels.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"boxes": np.zeros((1, 4))}, "differ in length"),
        ({"boxes": np.zeros((2, 5))}, r"boxes must be \(k, 4\)"),
        ({"masks": np.zeros((2, 8, 8), np.uint8)}, "masks must be 3-d"),
        ({"masks": np.zeros((2, 8), bool)}, "masks must be 3-d"),
        ({"labels": np.array([1, 0])}, "never 0"),
        ({"labels": np.array([1, -1])}, "never 0"),
    ],
)
def test_detections_refuse_bad_shapes(changed, words):
    with pytest.raises(ValueError, match=words):
        detections(**changed)


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"ids": ("a", "b")}, "differ in length"),
        ({"detections": ()}, "differ in length"),
        ({"classes": ("good", "bent", "crack")}, r"proba must be \(n, 3\)"),
        ({"heat": np.zeros((3, 8, 9), np.float32)}, "differ in shape"),
        ({"segmentation": np.zeros((3, 8, 8), np.float32)}, "segmentation must be 3-d bool"),
        ({"proba": np.full((3, 2), 0.6)}, "must sum to 1"),
        ({"proba": np.full((3, 2), np.nan)}, "finite"),
        ({"heat": np.full((3, 8, 8), np.inf, np.float32)}, "finite"),
        ({"score": np.zeros(2, np.float32)}, "differ in length"),
        ({"score": np.zeros(3)}, "score must be 1-d float32"),
        ({"score": np.full(3, np.nan, np.float32)}, "score must be finite"),
    ],
)
def test_predictions_refuse_what_no_learner_may_say(changed, words):
    with pytest.raises(ValueError, match=words):
        predictions(**changed)


def test_some_predictions_are_selected_in_the_order_asked_for():
    own = predictions(proba=np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]))
    some = own.select([2, 0])
    assert (some.ids, some.classes) == (("c", "a"), own.classes)
    assert some.proba[:, 0].tolist() == [0.2, 0.9]
    assert [len(found) for found in some.detections] == [2, 0]
    none = own.select([])
    assert (none.ids, none.proba.shape, none.heat.shape) == ((), (0, 2), (0, 8, 8))
    assert none.detections == ()


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_may_be_absent_and_is_absent_of_a_selection(field):
    some = predictions(**{field: None}).select([1])
    assert [name for name in FIELDS if getattr(some, name) is None] == [field]


def test_ids_alone_are_predictions():
    nothing = Predictions(("a", "b"), ("good", "bent"))
    assert nothing.select([1]) == Predictions(("b",), ("good", "bent"))
    assert nothing.grids == set()


def test_without_probabilities_no_class_is_named():
    with pytest.raises(ValueError, match="name no class"):
        _ = predictions(proba=None).labels


@pytest.mark.parametrize("field", ["heat", "segmentation", "detections"])
def test_the_grid_is_known_by_any_map_or_mask(field):
    absent = dict.fromkeys({"heat", "segmentation", "detections"} - {field})
    assert predictions(**absent).grids == {(8, 8)}


@pytest.mark.parametrize(
    "labels, instances",
    [(np.zeros(2), np.zeros((1, 8, 8), np.uint8)), (np.zeros(1), np.zeros((1, 8, 8)))],
)
def test_a_truth_refuses_bad_shapes(labels, instances):
    with pytest.raises(ValueError, match=r"length|instances"):
        Truth(("a",) * len(instances), ("good",), labels, instances)


def test_a_split_is_one_of_three():
    with pytest.raises(ValueError, match="val"):
        Split("val", (), 64)


def test_a_split_tells_its_samples_in_order():
    split = Split("test", (sample("b", 0, label=1), sample("a", 1)), 64)
    assert (len(split), split.ids, split.labels.tolist()) == (2, ("b", "a"), [1, 0])
    assert split.labels.dtype == np.int64
    assert Split("test", (), 64).labels.shape == (0,)


def test_a_data_set_knows_which_parts_were_photographed_more_than_once():
    train = Split("train", (sample("b", 7), sample("a", 7), sample("c", 8)), 64)
    dataset = Dataset("x", ("good",), train, Split("validate", (), 64), Split("test", (), 64), "d")
    assert dataset.copies == {7: ["a", "b"]}
