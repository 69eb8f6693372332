"""COCO average precision, against a plain pycocotools evaluation and by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy import ndimage

from anomaly.metrics.average_precision import judge, precision_recall
from anomaly.metrics.join import join
from anomaly.metrics.score import score

NAMES = ("map", "map50", "box_map", "box_map50")
BOX, FAR = (4, 4, 24, 24), (30, 30, 44, 44)


def average_precisions(make, labels, boxes, *found):
    truth = make.truth(labels, boxes)
    detected = [make.detections(*one) for one in found]
    called = np.zeros(len(labels), int)
    values = score(join(make.predictions(truth, called, found=detected), truth)).values
    return {k: v for k, v in values.items() if k in NAMES or k.startswith("ap.")}


def coco_truth(truth):
    number = count(1)
    annotations = []
    for image, (label, mask) in enumerate(zip(truth.labels, truth.masks, strict=True), 1):
        labelled, instances = ndimage.label(mask, np.ones((3, 3)))
        for index in range(1, instances + 1):
            code = rle.encode(np.asfortranarray(labelled == index, np.uint8))
            annotations.append(
                {
                    "id": next(number),
                    "image_id": image,
                    "category_id": int(label),
                    "segmentation": code,
                    "bbox": rle.toBbox(code).tolist(),
                    "area": float(rle.area(code)),
                    "iscrowd": 0,
                }
            )
    h, w = truth.masks.shape[1:]
    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": i, "height": h, "width": w} for i in range(1, len(truth.ids) + 1)],
        "categories": [{"id": i, "name": c} for i, c in enumerate(truth.classes) if i],
        "annotations": annotations,
    }
    coco.createIndex()
    return coco


def coco_results(predictions, kind):
    for image, found in enumerate(predictions.detections, 1):
        for box, mask, value, label in zip(
            found.boxes, found.masks, found.scores, found.labels, strict=True
        ):
            x1, y1, x2, y2 = box.tolist()
            where = {
                "segm": {"segmentation": rle.encode(np.asfortranarray(mask, np.uint8))},
                "bbox": {"bbox": [x1, y1, x2 - x1, y2 - y1]},
            }[kind]
            yield {"image_id": image, "category_id": int(label), "score": float(value), **where}


def coco_says(predictions, truth, kind):
    coco = coco_truth(truth)
    judge = COCOeval(coco, coco.loadRes(list(coco_results(predictions, kind))), kind)
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    per_class = judge.eval["precision"][:, :, :, 0, 2].mean((0, 1))
    return judge.stats[0], judge.stats[1], per_class


def test_random_cases_agree_with_pycocotools(case):
    predictions, truth = case
    got = score(join(predictions, truth)).values
    m, m50, per_class = coco_says(predictions, truth, "segm")
    b, b50, _ = coco_says(predictions, truth, "bbox")
    assert [got[name] for name in NAMES] == pytest.approx([m, m50, b, b50], abs=1e-9)
    assert [got[f"ap.{c}"] for c in truth.classes[1:]] == pytest.approx(per_class, abs=1e-9)
    assert 0 < m < m50 < 1  # else the case proves little


def test_one_perfect_detection_is_exactly_one(make):
    """pycocotools takes id 0 for "no match", and by rounding misses 1 on a lone hit."""
    got = average_precisions(make, [1], [[BOX]], [(BOX, 0.5, 1)])
    assert got == {**dict.fromkeys(NAMES, 1.0), "ap.bent": 1.0}


def test_disjoint_is_zero(make):
    got = average_precisions(make, [1], [[BOX]], [(FAR, 0.5, 1)])
    assert got == {**dict.fromkeys(NAMES, 0.0), "ap.bent": 0.0}


def test_nothing_found_is_zero(make):
    assert average_precisions(make, [1], [[BOX]], [])["map"] == 0


def test_the_wrong_type_is_zero(make):
    got = average_precisions(make, [1], [[BOX]], [(BOX, 0.5, 2)])
    assert got["map"] == 0 and "ap.broken" not in got


def test_half_found_is_the_half_of_the_recalls(make):
    got = average_precisions(make, [1], [[BOX, FAR]], [(BOX, 0.5, 1)])
    assert got["map"] == pytest.approx(51 / 101)  # recalls 0.00 to 0.50


def test_iou_above_half_counts_at_the_thresholds_below_it(make):
    shifted = (4, 4, 24, 18)  # IoU 0.7 exactly: thresholds 0.50 to 0.70
    got = average_precisions(make, [1], [[BOX]], [(shifted, 0.5, 1)])
    assert got["map50"] == 1 and got["map"] == pytest.approx(0.5)


def test_a_second_detection_of_one_defect_is_false(make):
    twice = [(BOX, 0.9, 1), (BOX, 0.8, 1), (FAR, 0.7, 1)]
    got = average_precisions(make, [1], [[BOX, FAR]], twice)
    assert got["map"] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_good_images_are_negatives(make):
    found = [(BOX, 0.5, 1)], [(FAR, 0.9, 1)]
    assert average_precisions(make, [1, 0], [[BOX], []], *found)["map"] == pytest.approx(0.5)


def test_a_defect_without_a_mask_is_no_negative(make):
    found = [(BOX, 0.5, 1)], [(FAR, 0.9, 1)]
    assert average_precisions(make, [1, 1], [[BOX], []], *found)["map"] == 1


def test_without_instances_it_is_absent(make):
    assert average_precisions(make, [0], [[]], [(BOX, 0.9, 1)]) == {}
    assert average_precisions(make, [1], [[]], [(BOX, 0.9, 1)]) == {}


def test_it_is_the_mean_over_the_types_that_occur(make):
    found = [(BOX, 0.5, 1)], [(FAR, 0.5, 3)]
    got = average_precisions(make, [1, 3], [[BOX], [BOX]], *found)
    assert got["ap.bent"] == 1 and got["ap.scratch"] == 0 and got["map"] == 0.5
    assert "ap.broken" not in got


def test_boxes_and_masks_are_judged_apart(make):
    truth = make.truth([1], [[BOX]])
    found = make.detections((BOX, 0.5, 1))
    found.masks[:] = make.rectangle(*FAR)
    values = score(join(make.predictions(truth, [1], found=[found]), truth)).values
    assert values["map"] == 0 and values["box_map"] == 1


def test_no_detection_is_cut_off(make):
    """The true one is the 151st by score; COCO's limit of 100 would hide it."""
    found = [(FAR, 0.9, 1)] * 150 + [(BOX, 0.1, 1)]
    assert average_precisions(make, [1], [[BOX]], found)["map"] == pytest.approx(1 / 151)


def test_nothing_is_printed(case, capsys):
    score(join(*case))
    assert capsys.readouterr() == ("", "")


def test_the_area_under_precision_and_recall_is_the_average_precision_at_half_overlap(case):
    predictions, truth = case
    curves = precision_recall(judge(truth, predictions.detections))
    assert list(curves) == list(truth.classes[1:])
    assert all(curve.shape == (101,) and (np.diff(curve) <= 0).all() for curve in curves.values())
    map50 = score(join(predictions, truth)).values["map50"]
    assert np.mean(list(curves.values())) == pytest.approx(map50, abs=1e-9)
    empty = make_empty(truth)
    assert precision_recall(judge(empty, predictions.detections)) == {}


def make_empty(truth):
    return replace(truth, instances=truth.instances * 0)
