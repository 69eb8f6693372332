"""Predictions of several members as one, on hand-made maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anomaly.ensemble.fuse import fuse, probabilities
from anomaly.types import Detections, Predictions

GRID = 20
CLASSES = ("good", "bent", "hole")
LEFT, RIGHT = (0, 0, 8, 8), (11, 0, 19, 8)  # boxes far from each other


def mask(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    out = np.zeros((GRID, GRID), bool)
    out[y1:y2, x1:x2] = True
    return out


def found(*instances: tuple) -> Detections:
    """Each is (box or mask, score, label); a box is filled."""
    masks = [mask(*one) if isinstance(one, tuple) else one for one, _, _ in instances]
    boxes = [[*np.argwhere(m).min(0)[::-1], *np.argwhere(m).max(0)[::-1] + 1] for m in masks]
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(masks, bool).reshape(-1, GRID, GRID),
        np.array([score for _, score, _ in instances], np.float32),
        np.array([label for _, _, label in instances], np.int64),
    )


def said(*detections: Detections, heat: float = 0.0, segmentation=None) -> Predictions:
    """A member's word on as many images."""
    n = len(detections)
    pixels = np.zeros((n, GRID, GRID), bool) if segmentation is None else segmentation
    ids = tuple(f"{index}.png" for index in range(n))
    proba = np.tile([0.2, 0.5, 0.3], (n, 1))
    return Predictions(
        ids, CLASSES, proba, np.full(pixels.shape, heat, np.float32), pixels, detections
    )


def rows(of: Detections) -> list[tuple]:
    """(box, score, label) of each, the surest first."""
    boxes = [tuple(map(int, box)) for box in of.boxes]
    scores = [round(float(score), 5) for score in of.scores]
    return sorted(zip(boxes, scores, of.labels.tolist(), strict=True), key=lambda row: -row[1])


def pixels(*columns: range) -> list[Predictions]:
    """Members that call these columns of one image defective."""
    masks = [np.zeros((1, GRID, GRID), bool) for _ in columns]
    for own, chosen in zip(masks, columns, strict=True):
        own[..., list(chosen)] = True
    return [said(found(), segmentation=own) for own in masks]


def columns_of(members: list[Predictions], weights: list[float]) -> list[int]:
    fused = fuse(members, members[0].proba, np.array(weights))
    assert fused.segmentation.dtype == bool
    return np.flatnonzero(fused.segmentation[0].all(0)).tolist()


def test_a_pixel_is_defective_where_most_members_say_so():
    members = pixels(range(0, 4), range(2, 6), range(3, 9))
    assert columns_of(members, [1 / 3] * 3) == [2, 3, 4, 5]


def test_a_tie_is_defective():
    assert columns_of(pixels(range(0, 4), range(2, 6)), [0.5, 0.5]) == [0, 1, 2, 3, 4, 5]
    assert columns_of(pixels(range(0, 2), range(0, 2), range(1, 3), range(1, 3)), [0.25] * 4) == [
        *(0, 1, 2)
    ]


@pytest.mark.parametrize("members", range(2, 13, 2))
def test_rounding_loses_no_tie(members):
    """Weights such as 1/10 do not sum to the half exactly."""
    halves = pixels(*[range(0, 1)] * (members // 2), *[range(5, 6)] * (members // 2))
    assert columns_of(halves, [1 / members] * members) == [0, 5]


def test_a_member_of_more_than_half_the_weight_decides_alone():
    members = pixels(range(0, 4), range(2, 6), range(3, 9))
    assert columns_of(members, [0.6, 0.2, 0.2]) == [0, 1, 2, 3]
    assert columns_of(members, [0, 1, 0]) == [2, 3, 4, 5]


def test_heat_is_the_weighted_mean_in_its_own_type():
    members = [said(found(), heat=0.2), said(found(), heat=0.8), said(found(), heat=1.0)]
    fused = fuse(members, members[0].proba, np.array([0.5, 0.25, 0.25]))
    assert fused.heat == pytest.approx(np.full((1, GRID, GRID), 0.55), abs=1e-5)  # in steps
    assert fused.heat.dtype == np.float32
    hot = fuse([said(found(), heat=1.0)] * 3, members[0].proba, np.full(3, 1 / 3))
    assert hot.heat.max() <= 1


def test_probabilities_ids_and_classes_are_taken_over():
    member, proba = said(found(), found()), np.array([[1, 0, 0], [0, 0.5, 0.5]])
    fused = fuse([member, member], proba, np.array([0.5, 0.5]))
    assert (fused.ids, fused.classes) == (member.ids, CLASSES)
    assert fused.proba.tolist() == proba.tolist()


def test_images_keep_to_themselves():
    one = said(found((LEFT, 0.8, 1)), found(), found((RIGHT, 0.6, 2)))
    other = said(found(), found((LEFT, 0.8, 1)), found((RIGHT, 0.6, 2)))
    fused = fuse([one, other], one.proba, np.array([0.5, 0.5]))
    assert [rows(of) for of in fused.detections] == [
        [(LEFT, 0.4, 1)],
        [(LEFT, 0.4, 1)],
        [(RIGHT, 0.6, 2)],
    ]


# === Absent fields ===


@pytest.mark.parametrize("field", ["heat", "segmentation", "detections"])
def test_what_one_member_lacks_is_absent(field):
    one = said(found((LEFT, 0.8, 1)))
    fused = fuse([one, replace(one, **{field: None})], one.proba, np.array([0.5, 0.5]))
    present = {"heat", "segmentation", "detections"} - {field}
    assert getattr(fused, field) is None
    assert all(getattr(fused, other) is not None for other in present)


def test_scores_of_different_scales_are_left_out():
    one = replace(said(found()), score=np.float32([3.5]))
    assert fuse([one, one], one.proba, np.array([0.5, 0.5])).score is None


def test_probabilities_are_the_members_side_by_side():
    one = said(found(), found())
    assert np.array_equal(probabilities([one, one]), np.stack([one.proba, one.proba]))
    with pytest.raises(ValueError, match="without probabilities"):
        probabilities([one, replace(one, proba=None)])
