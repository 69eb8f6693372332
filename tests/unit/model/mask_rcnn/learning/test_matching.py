"""Which boxes the losses are computed on, and their targets."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.mask_rcnn.learning import targets
from anomaly.model.mask_rcnn.learning.matching import match, sample

TRUE = np.float32([[[0, 0, 10, 10], [50, 50, 60, 60], [0, 0, 0, 0]]])  # the last is padding
BOXES = np.float32(
    [[
        [0, 0, 10, 10],  # the first instance
        [0, 0, 10, 8],  # 0.8 of it
        [0, 0, 10, 5],  # 0.5
        [0, 0, 10, 2],  # 0.2
        [50, 50, 60, 53],  # 0.3 of the second, more than any other
        [30, 30, 40, 40],  # nothing
        [0, 0, 0, 0],  # no box
    ]]
)  # fmt: skip


def test_anchors_by_hand():
    matches = match(BOXES, TRUE, 0.3, 0.7, best_counts=True)
    assert np.asarray(matches.positive)[0].tolist() == [
        True,
        True,
        False,
        False,
        True,
        False,
        False,
    ]
    assert np.asarray(matches.negative)[0].tolist() == [
        False,
        False,
        False,
        True,
        False,
        True,
        False,
    ]
    assert np.asarray(matches.instance)[0, [0, 1, 4]].tolist() == [0, 0, 1]


def test_regions_by_hand():
    matches = match(BOXES, TRUE, 0.5, 0.5, best_counts=False)
    assert np.asarray(matches.positive)[0].tolist() == [
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert np.asarray(matches.negative)[0].tolist() == [
        False,
        False,
        False,
        True,
        True,
        True,
        False,
    ]


def test_without_instances_all_boxes_are_background():
    matches = match(BOXES, np.zeros_like(TRUE), 0.3, 0.7, best_counts=True)
    assert not np.asarray(matches.positive).any()
    assert np.asarray(matches.negative)[0].tolist() == [True] * 6 + [False]


def test_the_highest_draws_are_sampled_positive_ones_first():
    matches = match(BOXES, TRUE, 0.5, 0.5, best_counts=False)
    draw = np.float32([[0.1, 0.9, 0.5, 0.2, 0.8, 0.3, 1.0]])
    sampled = sample(matches, draw, count=4, positive_share=0.5)
    assert np.asarray(sampled.places)[0].tolist() == [1, 2, 4, 5]
    assert np.asarray(sampled.positive)[0].tolist() == [1, 1, 0, 0]
    assert np.asarray(sampled.valid)[0].tolist() == [1, 1, 1, 1]


def test_with_few_boxes_the_rest_is_padding():
    matches = match(BOXES, TRUE, 0.5, 0.5, best_counts=False)
    sampled = sample(matches, np.full((1, 7), 0.5, np.float32), count=7, positive_share=0.5)
    assert np.asarray(sampled.positive).sum() == 3
    assert np.asarray(sampled.valid).sum() == 6  # the empty box is never drawn


def test_the_true_boxes_are_sampled_too():
    draw = np.linspace(0, 1, 5, dtype=np.float32)[None]
    none = np.zeros((1, 2, 4), np.float32)
    labels = np.int32([[3, 2, 0]])
    regions = targets.of_regions(none, TRUE, labels, draw, 4, 0.5)
    assert np.asarray(regions.boxes)[0, :2].tolist() == [[50, 50, 60, 60], [0, 0, 10, 10]]
    assert np.asarray(regions.labels)[0].tolist() == [2, 3, 0, 0]
    assert np.asarray(regions.sampled.valid)[0].tolist() == [1, 1, 0, 0]


def test_target_deltas_lead_from_the_anchor_to_its_instance():
    anchors = np.float32([[1, 0, 11, 10], [90, 90, 95, 95]])
    draw = np.float32([[0.9, 0.8]])
    sampled, deltas = targets.of_anchors(anchors, TRUE, draw, 2, (1.0, 1.0, 1.0, 1.0))
    assert np.asarray(sampled.positive)[0].tolist() == [1, 0]
    assert np.allclose(deltas, [[[-0.1, 0, 0, 0], [0, 0, 0, 0]]], atol=1e-5)


@pytest.mark.parametrize("instance, share", [(0, 1.0), (1, 0.0)])
def test_a_target_mask_covers_the_instance_of_its_region_alone(instance, share):
    numbered = np.zeros((1, 32, 32), np.int32)
    numbered[0, 8:16, 8:16] = 1
    boxes = np.float32([[[8, 8, 16, 16]]])
    masks = np.asarray(targets.of_masks(numbered, boxes, np.int32([[instance]]), 14))
    assert masks.mean() == share


def test_a_target_mask_covers_the_part_of_the_instance_in_the_box():
    numbered = np.zeros((1, 64, 64), np.int32)
    numbered[0, 10:30, 20:40] = 2
    masks = np.asarray(
        targets.of_masks(numbered, np.float32([[[0, 10, 40, 50]]]), np.int32([[1]]), 4)
    )
    assert masks[0, 0].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
