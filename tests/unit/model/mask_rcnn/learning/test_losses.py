"""The five losses, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.mask_rcnn.learning import losses

LN2 = np.log(2)


def test_an_undecided_proposal_costs_ln_2_and_padding_costs_nothing():
    logits, positive = np.float32([[0, 0, 99]]), np.float32([[1, 0, 0]])
    loss = losses.objectness(logits, positive, np.float32([[1, 1, 0]]))
    assert float(loss) == pytest.approx(LN2, abs=1e-5)


def test_a_sure_mistake_costs_its_logit():
    loss = losses.objectness(np.float32([[50, -50]]), np.float32([[0, 1]]), np.float32([[1, 1]]))
    assert float(loss) == pytest.approx(50, rel=1e-5)


def test_classes_cost_minus_the_log_of_their_probability():
    proba = np.float32([[[0.7, 0.2, 0.1], [0.25, 0.5, 0.25], [1 / 3, 1 / 3, 1 / 3]]])
    loss = losses.classes(np.log(proba), np.int32([[0, 1, 2]]), np.float32([[1, 1, 0]]))
    assert float(loss) == pytest.approx(-(np.log(0.7) + np.log(0.5)) / 2, abs=1e-5)


def test_boxes_cost_the_square_when_near_and_the_distance_when_far():
    deltas = np.float32([[[0.5, 0, 0, 0], [0, 3, 0, 0], [9, 9, 9, 9]]])
    target, positive = np.zeros((1, 3, 4), np.float32), np.float32([[1, 1, 0]])
    loss = losses.boxes(deltas, target, positive, np.float32([[1, 1, 1]]), beta=1.0)
    assert float(loss) == pytest.approx((0.5 * 0.5**2 + (3 - 0.5)) / 3, abs=1e-5)


def test_boxes_with_a_small_beta():
    deltas = np.float32([[[1, 0, 0, 0]]])
    one = np.float32([[1]])
    loss = losses.boxes(deltas, np.zeros_like(deltas), one, one, beta=1 / 9)
    assert float(loss) == pytest.approx(1 - 1 / 18, abs=1e-5)


def test_an_undefined_target_of_a_box_that_is_not_positive_costs_nothing():
    target = np.full((1, 1, 4), np.nan, np.float32)
    loss = losses.boxes(
        np.ones((1, 1, 4), np.float32), target, np.float32([[0]]), np.float32([[1]]), 1.0
    )
    assert float(loss) == 0


def test_masks_cost_the_mean_over_the_pixels_of_positive_regions():
    logits = np.zeros((1, 2, 4, 4), np.float32)
    logits[0, 1] = 99
    target = np.zeros((1, 2, 4, 4), np.float32)
    loss = losses.masks(logits, target, np.float32([[1, 0]]))
    assert float(loss) == pytest.approx(LN2, abs=1e-5)


def test_a_batch_without_instances_costs_nothing():
    none = np.zeros((1, 2), np.float32)
    masks = np.ones((1, 2, 4, 4), np.float32)
    assert float(losses.masks(masks, masks, none)) == 0
    assert float(losses.boxes(np.ones((1, 2, 4), np.float32), masks[:, :, 0], none, none, 1.0)) == 0
