"""From evidence to heat, and from heat to instances."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.answers.localise import MIN_AREA, choose_threshold, heat_maps, instances

PROBA = np.array([0.1, 0.3, 0.6])


def blob(*boxes: tuple[int, int, int, int], heat: float = 0.9) -> np.ndarray:
    out = np.full((32, 32), 0.1, np.float32)
    for x1, y1, x2, y2 in boxes:
        out[y1:y2, x1:x2] = heat
    return out


def test_heat_is_positive_evidence_scaled_by_image_times_the_probability_of_a_defect():
    evidence = np.array([[[-3.0, 0.0], [1.0, 4.0]], [[0.0, 0.0], [-1.0, 2.0]]], np.float32)
    heat = heat_maps(evidence, np.array([[0.5, 0.5], [0.0, 1.0]]))
    expected = [[[0, 0], [0.125, 0.5]], [[0, 0], [0, 1]]]
    assert np.allclose(heat, expected, rtol=0, atol=1e-5)
    assert heat.dtype == np.float32


def test_without_evidence_there_is_no_heat():
    assert not heat_maps(np.full((1, 4, 4), -1, np.float32), np.array([[0.0, 1.0]])).any()


def test_the_chosen_threshold_separates_defects_from_the_rest():
    heat = np.stack([blob((4, 4, 12, 12), heat=0.6), blob()])
    threshold = choose_threshold(heat, heat > 0.5)
    assert 0.1 < threshold <= 0.6
    assert np.array_equal(heat >= threshold, heat > 0.5)


def test_no_threshold_does_better_on_the_defective_images():
    random = np.random.default_rng(0)
    masks = random.random((5, 16, 16)) > 0.7
    masks[0] = False
    heat = np.clip(0.4 * masks + random.random(masks.shape) * 0.6, 0, 1).astype(np.float32)

    def iou(threshold: float) -> float:
        pixels = heat[1:] >= threshold
        overlap = (pixels & masks[1:]).sum((1, 2)) / (pixels | masks[1:]).sum((1, 2))
        return overlap.mean()

    best = max(iou(t) for t in np.linspace(0.02, 0.98, 49))
    assert iou(choose_threshold(heat, masks)) == pytest.approx(best)


def test_the_threshold_is_0_5_without_defective_images():
    assert choose_threshold(np.zeros((2, 8, 8), np.float32), np.zeros((2, 8, 8), bool)) == 0.5


def test_every_component_is_an_instance_with_its_tight_box():
    boxes = [(2, 3, 9, 8), (20, 20, 31, 32)]
    detections = instances(blob(*boxes), PROBA, 0.5)
    assert sorted(map(tuple, detections.boxes.astype(int).tolist())) == sorted(boxes)
    for box, mask in zip(detections.boxes.astype(int), detections.masks, strict=True):
        x1, y1, x2, y2 = box
        assert mask[y1:y2, x1:x2].all()
        assert mask.sum() == (x2 - x1) * (y2 - y1)


def test_pixels_that_touch_at_a_corner_are_one_instance():
    assert len(instances(blob((2, 2, 8, 8), (8, 8, 14, 14)), PROBA, 0.5)) == 1


def test_an_instance_is_named_and_scored_by_the_most_probable_defect_even_if_good_wins():
    detections = instances(blob((2, 2, 8, 8)), np.array([0.8, 0.15, 0.05]), 0.5)
    assert detections.labels.tolist() == [1]
    assert detections.scores[0] == pytest.approx(0.15 * 0.9)


def test_specks_are_noise():
    assert len(instances(blob((2, 2, 2 + MIN_AREA - 1, 3)), PROBA, 0.5)) == 0
    assert len(instances(blob((2, 2, 2 + MIN_AREA, 3)), PROBA, 0.5)) == 1


def test_low_heat_gives_no_instances_and_high_heat_gives_the_whole_image():
    none, whole = instances(blob(), PROBA, 0.5), instances(blob(), PROBA, 0.1)
    assert none.boxes.shape == (0, 4)
    assert none.masks.shape == (0, 32, 32)
    assert whole.boxes.tolist() == [[0, 0, 32, 32]]
