"""Instances that several members see, as one set, on hand-made masks."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from anomaly.masks.merging import merge
from anomaly.types import Detections

GRID = 20
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


def together(*members: Detections, weights: list[float] | None = None) -> Detections:
    """What members see together in one image."""
    return merge(members, np.array(weights or [1 / len(members)] * len(members)))


def rows(of: Detections) -> list[tuple]:
    """(box, score, label) of each, the surest first."""
    boxes = [tuple(map(int, box)) for box in of.boxes]
    scores = [round(float(score), 5) for score in of.scores]
    return sorted(zip(boxes, scores, of.labels.tolist(), strict=True), key=lambda row: -row[1])


def test_two_that_overlap_are_one_with_the_mean_of_their_scores():
    # IoU 48 / 80; each pixel has a member of half the weight
    one, other = found(((0, 0, 8, 8), 0.9, 1)), found(((2, 0, 10, 8), 0.5, 1))
    fused = together(one, other)
    assert rows(fused) == [((0, 0, 10, 8), 0.7, 1)]
    assert np.array_equal(fused.masks[0], mask(0, 0, 10, 8))
    assert [a.dtype for a in (fused.boxes, fused.scores)] == [np.float32] * 2
    assert fused.labels.dtype == np.int64


def test_of_three_the_mask_is_what_two_of_them_cover():
    members = [found(((x, 0, x + 10, 8), 0.6, 1)) for x in (0, 1, 2)]
    fused = together(*members)
    assert rows(fused) == [((1, 0, 11, 8), 0.6, 1)]


def test_two_that_overlap_little_stay_two_at_half_their_scores():
    # IoU 32 / 96
    one, other = found(((0, 0, 8, 8), 0.9, 1)), found(((4, 0, 12, 8), 0.5, 1))
    assert rows(together(one, other)) == [((0, 0, 8, 8), 0.45, 1), ((4, 0, 12, 8), 0.25, 1)]


def test_half_an_overlap_is_enough():
    # IoU 32 / 64
    one, other = found(((0, 0, 8, 6), 0.8, 1)), found(((0, 2, 8, 8), 0.8, 1))
    assert rows(together(one, other)) == [((0, 0, 8, 8), 0.8, 1)]


def test_another_type_is_another_instance():
    one, other = found((LEFT, 0.9, 1)), found((LEFT, 0.6, 2))
    assert rows(together(one, other)) == [(LEFT, 0.45, 1), (LEFT, 0.3, 2)]


def test_two_of_one_member_stay_two_however_much_they_overlap():
    both = found((LEFT, 0.9, 1), ((0, 0, 8, 7), 0.7, 1))
    assert rows(together(both, both)) == [(LEFT, 0.9, 1), ((0, 0, 8, 7), 0.7, 1)]


def test_an_instance_joins_the_one_that_it_overlaps_most():
    one = found(((0, 0, 8, 8), 0.9, 1), ((0, 3, 8, 11), 0.8, 1))
    other = found(((0, 2, 8, 10), 0.6, 1))
    assert rows(together(one, other)) == [((0, 2, 8, 11), 0.7, 1), ((0, 0, 8, 8), 0.45, 1)]


def test_in_a_chain_of_equally_sure_ones_the_order_of_the_members_does_not_matter():
    """The first overlaps the second and the second the third, but the first not the third."""
    chain = [found(((x, 0, x + 10, 8), 0.6, 1)) for x in (0, 3, 6)]
    told = [rows(together(*members)) for members in permutations(chain)]
    assert len(told[0]) == 2 and all(own == told[0] for own in told)


def test_what_one_of_three_members_sees_counts_a_third():
    assert rows(together(found((LEFT, 0.9, 1)), found(), found())) == [(LEFT, 0.3, 1)]


def test_scores_by_hand_with_weights():
    one, other = found((LEFT, 1.0, 1), (RIGHT, 0.5, 2)), found((LEFT, 0.5, 1))
    fused = together(one, other, weights=[0.8, 0.2])
    assert rows(fused) == [(LEFT, 0.9, 1), (RIGHT, 0.4, 2)]


def test_the_mask_is_that_of_the_member_of_more_than_half_the_groups_weight():
    one, other = found(((0, 0, 8, 8), 0.9, 1)), found(((2, 0, 10, 8), 0.5, 1))
    fused = together(one, other, found(), weights=[0.3, 0.2, 0.5])
    assert rows(fused) == [((0, 0, 8, 8), pytest.approx(0.37), 1)]


def test_a_member_without_weight_neither_adds_nor_takes_away():
    one, mute = found((LEFT, 0.9, 1)), found((RIGHT, 1.0, 2), ((1, 0, 9, 8), 1.0, 1))
    assert rows(together(one, mute, weights=[1, 0])) == [(LEFT, 0.9, 1)]
    assert rows(together(mute, one, weights=[0, 1])) == [(LEFT, 0.9, 1)]


def test_a_mask_need_not_be_a_rectangle_and_its_box_fits_it():
    ring = mask(2, 3, 12, 13) & ~mask(5, 6, 9, 10)
    fused = together(found((ring, 0.5, 1)), found((ring, 0.7, 1)))
    assert np.array_equal(fused.masks[0], ring)
    assert rows(fused) == [((2, 3, 12, 13), 0.6, 1)]


def test_an_instance_that_covers_nothing_is_dropped():
    nothing = Detections(
        np.zeros((1, 4), np.float32), np.zeros((1, GRID, GRID), bool), np.ones(1), np.ones(1, int)
    )
    assert len(together(nothing, nothing)) == 0


def test_no_instances_are_none_of_the_right_shape():
    none = together(found(), found())
    assert len(none) == 0
    assert (none.boxes.shape, none.masks.shape) == ((0, 4), (0, GRID, GRID))
    assert (none.scores.dtype, none.labels.dtype) == (np.float32, np.int64)
