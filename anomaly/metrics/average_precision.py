"""Numbers about instances: COCO average precision of masks and boxes, by pycocotools."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from anomaly.masks.boxes import boxes_of
from anomaly.masks.components import masks_of
from anomaly.types import Detections, Truth

EVERY_SIZE = [0, float("inf")]
DIGITS = 12  # pycocotools adds 2e-16 to a denominator; a lone perfect hit would miss 1


@dataclass(frozen=True)
class Judged:
    """How pycocotools matched the detections to the truth, by masks and by boxes."""

    types: dict[int, str]  # {label: name} of the defect types that have instances in the truth
    masks: COCOeval
    boxes: COCOeval


def judge(truth: Truth, detections: Sequence[Detections]) -> Judged | None:
    """Match detections to true instances at every IoU threshold; None if there are no instances.

    True instances have their image's label. Good images are negatives: every detection there is
    false. A defective image whose mask is empty is neither, and left out. Row i of both arguments
    is the same image.

    Source: T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014; IoU
    thresholds 0.50:0.05:0.95.
    """
    types = {int(label): truth.classes[label] for label in np.unique(truth.labels[truth.annotated])}
    if not types:
        return None
    with redirect_stdout(StringIO()):  # pycocotools reports its progress by printing
        true, detected = _index(_true(truth)), _index(_detected(truth, detections))
        return Judged(
            types, *(_matched(true, detected, [*types], kind) for kind in ("segm", "bbox"))
        )


def average_precisions(judged: Judged | None) -> dict[str, float]:
    """`map`, `map50`, `box_map`, `box_map50` and `ap.<class>` (of masks), each in 0..1.

    Means over the defect types that have instances in the truth; precision is sampled at 101
    recalls. Empty if there are none.
    """
    if judged is None:
        return {}
    masks, boxes = (_precision(each).mean(1) for each in (judged.masks, judged.boxes))
    return named(judged, masks, boxes, _mean)


def named(judged: Judged, masks: np.ndarray, boxes: np.ndarray, mean: Callable) -> dict[str, Any]:
    """The figures by name, `mean`s of (10, k, ..) average precision by IoU threshold and type."""
    return {
        "map": mean(masks),
        "map50": mean(masks[:1]),
        "box_map": mean(boxes),
        "box_map50": mean(boxes[:1]),
        **{f"ap.{name}": mean(masks[:, [k]]) for k, name in enumerate(judged.types.values())},
    }


def precision_recall(judged: Judged | None) -> dict[str, np.ndarray]:
    """{defect type: (101,) precision at recall 0, 0.01, .. 1} of masks at IoU 0.50.

    The curve under which `ap` at 0.50 is the area; 0 at recalls that are not reached. Empty where
    the truth has no instance.
    """
    if judged is None:
        return {}
    precision = _precision(judged.masks)
    return {name: precision[0, :, k] for k, name in enumerate(judged.types.values())}


def _true(truth: Truth) -> Iterator[dict]:
    for image in map(int, np.flatnonzero(truth.annotated)):
        masks = masks_of(truth.instances[image])
        for box, mask in zip(boxes_of(masks), _encode(masks), strict=True):
            yield _annotation(image, truth.labels[image], box, mask)


def _detected(truth: Truth, detections: Sequence[Detections]) -> Iterator[dict]:
    for image in map(int, np.flatnonzero(truth.annotated | (truth.labels == 0))):
        seen = detections[image]
        rows = zip(seen.labels, seen.boxes, _encode(seen.masks), seen.scores, strict=True)
        # Equal scores rank by position, which must not depend on the order of the detections.
        for label, box, mask, score in sorted(rows, key=_content):
            yield {**_annotation(image, label, box, mask), "score": float(score)}


def _content(row: tuple) -> tuple:
    label, box, mask, score = row
    return -score, label, box.tolist(), mask["counts"]


def _encode(masks: np.ndarray) -> list[dict]:
    """(k, h, w) bool to k run-length codes."""
    return rle.encode(np.asfortranarray(masks.transpose(1, 2, 0), np.uint8)) if len(masks) else []


def _annotation(image: int, label: int, box: np.ndarray, mask: dict) -> dict:
    x1, y1, x2, y2 = (float(side) for side in box)
    return {
        "image_id": int(image) + 1,
        "category_id": int(label),
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "segmentation": mask,
        "area": 0,  # only sorts instances into bands of size, and we have one
        "iscrowd": 0,
    }


def _index(annotations: Iterator[dict]) -> COCO:
    # From 1: pycocotools takes the annotation of id 0 for "no match", a perfect hit for a miss.
    numbered = [{**row, "id": number} for number, row in enumerate(annotations, 1)]
    coco = COCO()
    height_width = {row["image_id"]: row["segmentation"]["size"] for row in numbered}
    coco.dataset = {
        "images": [{"id": i, "height": h, "width": w} for i, (h, w) in height_width.items()],
        "categories": [{"id": label} for label in sorted({row["category_id"] for row in numbered})],
        "annotations": numbered,
    }
    coco.createIndex()
    return coco


def _matched(true: COCO, detected: COCO, labels: list[int], kind: str) -> COCOeval:
    judge = COCOeval(true, detected, kind)
    judge.params.imgIds = sorted({*true.imgs, *detected.imgs})
    judge.params.catIds = labels
    judge.params.areaRng, judge.params.areaRngLbl = [EVERY_SIZE], ["all"]
    # COCO keeps 100 detections of an image; we keep all of them.
    judge.params.maxDets = [max(map(len, detected.imgToAnns.values()), default=0)]
    judge.evaluate()
    judge.accumulate()
    return judge


def _precision(judge: COCOeval) -> np.ndarray:
    """(10, 101, k) precision by IoU threshold, recall and label."""
    return judge.eval["precision"][:, :, :, 0, 0]


def _mean(precision: np.ndarray) -> float:
    return round(float(precision.mean()), DIGITS)
