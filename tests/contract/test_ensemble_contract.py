"""For every file of conf/ensemble: equals stay themselves, order is nothing, test is not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from anomaly.ensemble.fuse import fuse
from anomaly.masks.heat import on_scale
from anomaly.run.members import Member
from anomaly.run.workflow import combined
from anomaly.types import Detections, Predictions

OPTIONS = sorted(p.stem for p in (Path(__file__).parents[2] / "conf/ensemble").glob("*.yaml"))
EACH = pytest.mark.parametrize("option", OPTIONS)
TWO_AND_FIVE = pytest.mark.parametrize("classes", [2, 5])
# What they say of a class is no mean of what members say, so it is only as right as they are.
LABELS_ALONE = {"hard_vote", "meta_learner"}
LEARNS = {"weighted_vote", "meta_learner"}  # the others would say the same of any labels
GRID = 16
VALIDATE, TEST = 40, 25  # images
SKILLS = (0.9, 0.7, 0.5)  # how often a member is right


@pytest.fixture(scope="module")
def combiner(parsed, build):
    """combiner(option) is a fresh one with the settings of its file."""
    nodes = {option: parsed(f"ensemble={option}").ensemble for option in OPTIONS}
    return lambda option: build(nodes[option])


def truth(images: int, classes: int) -> np.ndarray:
    return np.arange(images) % classes


def proba(random, labels: np.ndarray, classes: int, skill: float) -> np.ndarray:
    """Rows whose most probable class is the true one `skill` of the time."""
    rows = random.dirichlet(np.ones(classes), len(labels))
    named = np.where(random.random(len(labels)) < skill, labels, (labels + 1) % classes)
    return 0.4 * rows + 0.6 * np.eye(classes)[named]


def found(random, classes: int) -> Detections:
    """Up to four squares that may overlap, with scores that may be equal."""
    corners = random.integers(0, GRID - 6, (random.integers(0, 5), 2))
    boxes = np.concatenate([corners, corners + random.integers(3, 7, corners.shape)], 1)
    masks = np.zeros((len(boxes), GRID, GRID), bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[y1:y2, x1:x2] = True
    scores = np.round(random.random(len(boxes)), 1).astype(np.float32)
    return Detections(
        boxes.astype(np.float32), masks, scores, random.integers(1, classes, len(boxes))
    )


def predictions(seed: object, part: str, labels: np.ndarray, classes: int, skill: float):
    random = np.random.default_rng(seed)
    heat = on_scale(random.random((len(labels), GRID, GRID)))
    return Predictions(
        tuple(f"{part}/{index}.png" for index in range(len(labels))),
        ("good", *(f"defect{index}" for index in range(1, classes))),
        proba(random, labels, classes, skill),
        heat,
        heat > 0.5,
        tuple(found(random, classes) for _ in labels),
    )


def member(seed: int, classes: int, skill: float = 1.0) -> Member:
    parts = {"validate": VALIDATE, "test": TEST}
    said = (
        predictions([seed, count], part, truth(count, classes), classes, skill)
        for part, count in parts.items()
    )
    return Member(f"run{seed}", f"member {seed}", *said)


def team(classes: int) -> list[Member]:
    return [member(seed, classes, skill) for seed, skill in enumerate(SKILLS)]


def stacked(members: Sequence[Member]) -> np.ndarray:
    return np.stack([m.validate.proba for m in members])


def assert_same(one: Predictions, other: Predictions, exactly: bool = False) -> None:
    near = 0 if exactly else 1e-6
    assert one.ids == other.ids
    assert np.abs(one.proba - other.proba).max() <= near
    assert_same_pixels(one, other, near)


def assert_same_pixels(one: Predictions, other: Predictions, near: float = 1e-6) -> None:
    assert np.abs(one.heat - other.heat).max() <= near
    assert np.array_equal(one.segmentation, other.segmentation)
    for a, b in zip(one.detections, other.detections, strict=True):
        first, second = ordered(a), ordered(b)
        assert [row[1:] for row in first] == [row[1:] for row in second]
        assert np.allclose([row[0] for row in first], [row[0] for row in second], atol=near)


def ordered(of: Detections) -> list[tuple]:
    rows = zip(of.scores.round(5), of.labels, of.masks, of.boxes, strict=True)
    return sorted((float(s), int(k), m.tobytes(), tuple(b)) for s, k, m, b in rows)


@EACH
@TWO_AND_FIVE
@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_member_gives_itself_and_so_do_equal_ones(count, classes, option, combiner):
    only = member(0, classes)
    predicted = combined(combiner(option), [only] * count, truth(VALIDATE, classes))
    for own, got in ((only.validate, predicted["val"]), (only.test, predicted["test"])):
        assert np.array_equal(got.labels, own.labels)
        if option not in LABELS_ALONE:
            assert np.allclose(got.proba, own.proba, atol=1e-12)
        assert_same_pixels(got, own)


@EACH
@TWO_AND_FIVE
def test_the_order_of_members_does_not_matter(classes, option, combiner):
    members, labels = team(classes), truth(VALIDATE, classes)
    own = combiner(option)
    expected = combined(own, members, labels)
    for order in ([2, 0, 1], [1, 0, 2]):
        turned = combiner(option)
        got = combined(turned, [members[i] for i in order], labels)
        assert np.allclose(turned.weights, own.weights[order])
        for part, predicted in expected.items():
            assert_same(got[part], predicted)


@EACH
@TWO_AND_FIVE
def test_rows_are_probabilities(classes, option, combiner):
    own, members = combiner(option), team(classes)
    parts = (
        own.fit(stacked(members), truth(VALIDATE, classes)),
        own.combine(stacked(members)[:, :9]),
    )
    for rows, count in zip(parts, (VALIDATE, 9), strict=True):
        assert rows.shape == (count, classes)
        assert rows.min() >= 0
        assert np.allclose(rows.sum(1), 1, atol=1e-12)


@EACH
@TWO_AND_FIVE
def test_weights_are_positive_sum_to_one_and_have_one_entry_per_member(classes, option, combiner):
    for count in (1, 2, 3):
        own = combiner(option)
        own.fit(stacked(team(classes)[:count]), truth(VALIDATE, classes))
        assert own.weights.shape == (count,)
        assert (own.weights > 0).all()
        assert own.weights.sum() == pytest.approx(1, abs=1e-12)


@EACH
@TWO_AND_FIVE
def test_members_that_are_never_right_break_nothing(classes, option, combiner):
    lost = [member(seed, classes, skill=0) for seed in (0, 1)]
    for members in (lost, [member(2, classes), *lost]):
        own = combiner(option)
        predicted = combined(own, members, truth(VALIDATE, classes))
        assert (own.weights >= 0).all()
        assert own.weights.sum() == pytest.approx(1, abs=1e-12)
        assert np.isfinite(predicted["test"].proba).all()


@EACH
@pytest.mark.parametrize("counts", [(30, 3, 2), (30, 4, 0), (30, 0, 1), (30, 1, 1), (1, 1, 1)])
def test_a_validate_part_with_rare_or_absent_classes_will_do(counts, option, combiner):
    labels = np.repeat(np.arange(3), counts)
    random = np.random.default_rng(0)
    probas = np.stack([proba(random, labels, 3, skill) for skill in SKILLS])
    own = combiner(option)
    for rows in (own.fit(probas, labels), own.combine(probas)):
        assert rows.shape == (len(labels), 3)
        assert rows.min() >= 0 and np.allclose(rows.sum(1), 1)


@EACH
@TWO_AND_FIVE
def test_the_test_part_is_never_seen_in_fit(classes, option, combiner):
    members, labels = team(classes), truth(VALIDATE, classes)
    random, kept = np.random.default_rng(0), 10
    scrambled = [m._replace(test=scramble(random, m.test, classes, from_=kept)) for m in members]
    own, other = combiner(option), combiner(option)
    before, after = combined(own, members, labels), combined(other, scrambled, labels)
    assert np.array_equal(own.weights, other.weights)
    assert_same(after["val"], before["val"], exactly=True)
    first = range(kept)
    assert_same(after["test"].select(first), before["test"].select(first), exactly=True)
    assert not np.allclose(after["test"].proba, before["test"].proba)


def scramble(random, of: Predictions, classes: int, from_: int) -> Predictions:
    """Other predictions of every image from that place on."""
    n = len(of.ids) - from_
    heat = of.heat.copy()
    heat[from_:] = on_scale(random.random(heat[from_:].shape))
    said = np.concatenate([of.proba[:from_], random.dirichlet(np.ones(classes), n)])
    others = (found(random, classes) for _ in range(n))
    instances = (*of.detections[:from_], *others)
    return replace(of, proba=said, heat=heat, segmentation=heat > 0.5, detections=instances)


@TWO_AND_FIVE
@pytest.mark.parametrize("option", sorted(LEARNS))
def test_what_learns_learns_from_the_labels_of_validate(option, classes, combiner):
    members, labels = team(classes), truth(VALIDATE, classes)
    own, other = combiner(option), combiner(option)
    before = combined(own, members, labels)
    after = combined(other, members, np.random.default_rng(0).permutation(labels))
    assert np.abs(after["test"].proba - before["test"].proba).max() > 0.01
    if option == "weighted_vote":
        assert np.abs(own.weights - other.weights).max() > 0.01


@EACH
def test_fitting_again_gives_the_same_and_changes_nothing_it_was_given(option, combiner):
    members, labels = team(5), truth(VALIDATE, 5)
    probas, before = stacked(members), stacked(members)
    own = combiner(option)
    first, second = own.fit(probas, labels), own.fit(probas, labels)
    assert np.array_equal(first, second)
    assert np.array_equal(probas, before) and np.array_equal(labels, truth(VALIDATE, 5))


@EACH
def test_an_image_is_combined_alike_whatever_its_company(option, combiner):
    own, probas = combiner(option), stacked(team(5))
    own.fit(probas, truth(VALIDATE, 5))
    every = own.combine(probas)
    assert np.array_equal(own.combine(probas[:, 3:4]), every[3:4])
    assert np.array_equal(own.combine(probas[:, ::-1]), every[::-1])


@EACH
@TWO_AND_FIVE
def test_a_combiner_read_back_combines_the_same_to_the_last_bit(
    option, classes, combiner, tmp_path
):
    own, probas = combiner(option), stacked(team(classes))
    own.fit(probas, truth(VALIDATE, classes))
    np.savez(tmp_path / "combiner.npz", **own.arrays())
    with np.load(tmp_path / "combiner.npz", allow_pickle=False) as file:
        again = import_module(f"anomaly.ensemble.{option}").load(dict(file))
    assert np.array_equal(again.weights, own.weights)
    assert np.array_equal(again.combine(probas), own.combine(probas))


@EACH
def test_the_predictions_are_the_members_fused_by_the_combiners_weights(option, combiner):
    own, members = combiner(option), team(5)
    predicted = combined(own, members, truth(VALIDATE, 5))
    for part in ("validate", "test"):
        said = [getattr(m, part) for m in members]
        got = predicted["val" if part == "validate" else part]
        assert_same(got, fuse(said, got.proba, own.weights), exactly=True)
        assert (got.ids, got.classes) == (said[0].ids, said[0].classes)
        assert got.heat.dtype == np.float32


def test_the_folder_holds_the_four_that_were_asked_for():
    assert {"hard_vote", "soft_vote", "weighted_vote", "meta_learner"} <= set(OPTIONS)
    assert set(OPTIONS) >= LABELS_ALONE | LEARNS
