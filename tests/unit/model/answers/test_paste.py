"""Masks pasted into the image, and the class and pixels that follow."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.masks.boxes import box_of
from anomaly.metrics.join import join
from anomaly.metrics.score import score
from anomaly.model.answers import decide
from anomaly.model.answers.paste import findings, paste
from anomaly.model.mask_rcnn.learning import targets
from anomaly.types import Detections, Predictions, Truth

SIDE = 64


def rows(boxes, masks, scores, labels) -> dict[str, np.ndarray]:
    """The rows of one image as the network gives them, the last one padding."""
    return {
        "boxes": np.float32([*boxes, [0, 0, 0, 0]]),
        "masks": np.float32([*masks, masks[0]]),
        "scores": np.float32([*scores, -1]),
        "labels": np.int32([*labels, 1]),
    }


def test_a_full_mask_fills_its_box_and_nothing_else():
    out = paste(np.ones((28, 28), np.float32), np.float32([10, 20, 30, 50]), SIDE)
    expected = np.zeros((SIDE, SIDE), bool)
    expected[20:50, 10:30] = True
    assert np.array_equal(out > 0, expected)
    assert np.allclose(out[expected], 1)


def test_half_a_mask_fills_half_its_box():
    mask = np.zeros((28, 28), np.float32)
    mask[:, 14:] = 1
    out = paste(mask, np.float32([0, 0, 56, 56]), SIDE) >= 0.5
    assert out[:56, 28:56].all() and out.sum() == 56 * 28


@pytest.mark.parametrize("box", [(-20, -20, 10, 10), (60, 60, 90, 90), (5.2, 7.9, 5.4, 8.1)])
def test_a_box_over_the_edge_or_between_two_pixels_is_no_error(box):
    out = paste(np.ones((28, 28), np.float32), np.float32(box), SIDE)
    assert np.isfinite(out).all() and out.max() <= 1


@pytest.mark.parametrize("radius", [6, 11, 20])
def test_a_pasted_target_mask_is_the_instance(radius):
    y, x = np.mgrid[:SIDE, :SIDE]
    disc = (y - 30) ** 2 + (x - 33) ** 2 <= radius**2
    box = np.float32([[box_of(disc)]])
    target = np.asarray(targets.of_masks(disc[None].astype(np.int32), box, np.int32([[0]]), 28))
    back = paste(target[0, 0], box[0, 0], SIDE) >= 0.5
    assert (back & disc).sum() / (back | disc).sum() > 0.93


def test_rows_become_detections_on_the_grid():
    full = np.ones((28, 28), np.float32)
    given = rows([[20, 40, 60, 100]], [full * 0.9], [0.8], [2])
    result, heat = findings(given, SIDE / 128, SIDE)
    assert result.boxes.tolist() == [[10, 20, 30, 50]]
    assert result.labels.tolist() == [2]
    assert result.masks[0].sum() == 20 * 30
    assert heat.max() == pytest.approx(0.8 * 0.9)


def test_a_detection_whose_mask_is_unsure_covers_its_most_probable_pixels():
    mask = np.full((28, 28), 0.1)
    mask[:, :14] = 0.4
    result, heat = findings(rows([[2, 2, 30, 30]], [mask], [0.9], [1]), 1, SIDE)
    assert box_of(result.masks[0]) == (2, 2, 16, 30)
    assert heat.max() == pytest.approx(0.36)


def test_an_unsure_mask_covers_a_region_and_not_a_single_pixel():
    """Even without a plateau, so that the masks of several views overlap."""
    y, x = np.mgrid[:28, :28] - 13.5
    noise = np.random.default_rng(0).normal(0, 0.01, (28, 28))
    mask = 0.45 * np.exp(-(x**2 + y**2) / 100) + noise
    result, _ = findings(rows([[2, 2, 58, 58]], [mask], [0.9], [1]), 1, SIDE)
    assert 0.2 < result.masks[0].sum() / 56**2 < 0.5


@pytest.mark.parametrize("x", [0.0, 9.9, 20.4, 20.6, 63.4])
@pytest.mark.parametrize("side", [0.0, 0.4])
def test_a_detection_smaller_than_a_pixel_covers_one(x, side):
    box = [x, 20.6, x + side, 20.6 + side]
    result, _ = findings(rows([box], [np.ones((28, 28))], [0.9], [1]), 1, SIDE)
    assert result.masks.sum() == 1
    left, top, _, _ = box_of(result.masks[0])
    assert abs(left + 0.5 - x) <= 1 and top == 20


def test_without_detections_there_are_no_instances():
    result, heat = findings(
        rows([], [np.ones((28, 28))], [], []) | {"boxes": np.zeros((1, 4), np.float32)}, 1, SIDE
    )
    assert len(result) == 0 and result.masks.shape == (0, SIDE, SIDE)
    assert not heat.any()


def detections(*instances: tuple[float, int]) -> Detections:
    count = len(instances)
    masks = np.zeros((count, SIDE, SIDE), bool)
    for place in range(count):
        masks[place, :8, 10 * place : 10 * place + 8] = True
    boxes = [(10 * k, 0, 10 * k + 8, 8) for k in range(count)]
    return Detections(
        np.float32(boxes).reshape(-1, 4),
        masks,
        np.float32([score for score, _ in instances]),
        np.int64([label for _, label in instances]),
    )


def test_an_image_is_of_the_class_of_its_best_detection_above_the_threshold():
    images = [detections((0.9, 2), (0.6, 1)), detections((0.3, 1)), detections()]
    proba = decide.probabilities(decide.best_scores(images, 3), 0.5)
    assert proba.argmax(1).tolist() == [2, 0, 0]
    assert np.allclose(proba.sum(1), 1)


@pytest.mark.parametrize("threshold", [0.05, 0.5, 0.93])
def test_at_the_threshold_good_and_the_defect_are_equally_probable(threshold):
    scores = np.array([[threshold - 1e-3, 0], [threshold + 1e-3, 0], [threshold, 0]])
    proba = decide.probabilities(scores, threshold)
    assert proba.argmax(1)[:2].tolist() == [0, 1]
    assert proba[2, 0] == pytest.approx(proba[2, 1], rel=1e-6)


def test_the_chosen_threshold_has_the_best_accuracy_and_lies_in_the_middle_of_a_gap():
    scores = np.array([[0.9, 0], [0.8, 0.1], [0.2, 0], [0.1, 0.05]])
    threshold = decide.choose_class_threshold(scores, np.array([1, 1, 0, 0]))
    assert threshold == pytest.approx(0.5)
    assert decide.choose_class_threshold(scores, np.array([1, 1, 1, 0])) < 0.2


def test_a_threshold_is_chosen_without_defects_or_without_detections():
    assert 0.9 < decide.choose_class_threshold(np.array([[0.9]]), np.array([0])) < 1
    assert 0 < decide.choose_class_threshold(np.zeros((2, 1)), np.array([0, 1])) < 1


@pytest.mark.parametrize("min_score", [0.0, 1.0])
def test_a_threshold_is_chosen_for_any_minimum_score(min_score):
    threshold = decide.choose_class_threshold(np.array([[0.0], [0.9]]), np.array([0, 1]), min_score)
    assert 0 < threshold < 0.9


def test_without_detections_on_good_parts_the_threshold_stays_well_above_the_minimum_score():
    scores = np.array([[0.0], [0.0], [0.6], [0.9]])
    threshold = decide.choose_class_threshold(scores, np.array([0, 0, 1, 1]), min_score=0.05)
    assert threshold == pytest.approx(0.22, abs=0.01)  # between 0.05 and 0.6, in log odds


def test_pixels_are_those_of_masks_above_the_threshold():
    result, truth = detections((0.9, 1), (0.2, 1)), np.zeros((1, SIDE, SIDE), bool)
    truth[0] = result.masks[0]
    threshold = decide.choose_pixel_threshold([result], truth)
    assert np.array_equal(decide.segmentation(result, threshold), truth[0])
    assert decide.choose_pixel_threshold([result], truth & False) == 0.5


def test_perfect_detections_score_exactly_one():
    masks = detections((1, 1), (1, 1)).masks
    numbered = (masks[0] + 2 * masks[1]).astype(np.uint8)
    truth = Truth(
        ("a", "b", "c"),
        ("good", "hole", "scratch"),
        np.array([0, 1, 2]),
        np.stack([np.zeros((SIDE, SIDE), np.uint8), numbered, numbered]),
    )
    predicted = (detections(), detections((0.9, 1), (0.8, 1)), detections((0.9, 2), (0.7, 2)))
    proba = decide.probabilities(decide.best_scores(predicted, 3), 0.5)
    pixels = np.stack([decide.segmentation(one, 0.5) for one in predicted])
    predictions = Predictions(
        truth.ids, truth.classes, proba, pixels.astype(np.float32), pixels, predicted
    )
    values = score(join(predictions, truth)).values
    for name in ("accuracy", "iou", "map", "map50", "box_map", "box_map50"):
        assert values[name] == 1
