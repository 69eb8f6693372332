"""Made-up splits: a truth of rectangles, and predictions that are right by a chosen share."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from anomaly.types import Detections, Predictions, Truth

CLASSES = ("good", "bent", "broken", "scratch")
GRID = 48


def rectangle(x1: int, y1: int, x2: int, y2: int, grid: int = GRID) -> np.ndarray:
    mask = np.zeros((grid, grid), bool)
    mask[y1:y2, x1:x2] = True
    return mask


def detections(*found: tuple, grid: int = GRID) -> Detections:
    """Each found is ((x1, y1, x2, y2), score, label); its mask fills its box."""
    boxes = np.array([box for box, _, _ in found], np.float32).reshape(-1, 4)
    masks = [rectangle(*box, grid=grid) for box, _, _ in found]
    return Detections(
        boxes,
        np.array(masks, bool).reshape(-1, grid, grid),
        np.array([score for _, score, _ in found], np.float32),
        np.array([label for _, _, label in found], np.int64),
    )


def predictions(truth: Truth, labels, segmentation=None, found=None, proba=None) -> Predictions:
    """Predictions that call image i `labels[i]` with certainty, unless `proba` is given."""
    n, classes = len(truth.ids), len(truth.classes)
    masks = np.zeros_like(truth.masks) if segmentation is None else segmentation
    return Predictions(
        truth.ids,
        truth.classes,
        np.eye(classes)[labels] if proba is None else proba,
        masks.astype(np.float32),
        masks,
        tuple(found or (detections(grid=truth.masks.shape[1]) for _ in range(n))),
    )


def truth_of(labels, boxes, classes=CLASSES, grid: int = GRID) -> Truth:
    """Image i shows the rectangles `boxes[i]`."""
    masks = np.zeros((len(labels), grid, grid), bool)
    for mask, drawn in zip(masks, boxes, strict=True):
        for box in drawn:
            mask |= rectangle(*box, grid=grid)
    ids = tuple(f"test/{index:03}.png" for index in range(len(labels)))
    return Truth(ids, classes, np.array(labels, np.int64), numbered(masks))


def numbered(masks: np.ndarray) -> np.ndarray:
    """(n, h, w) uint8: the components of each image's bool mask, told apart."""
    every = [ndimage.label(mask, np.ones((3, 3)))[0] for mask in masks]
    return np.stack(every).astype(np.uint8) if every else masks.astype(np.uint8)


def random_case(seed: int, n: int = 40) -> tuple[Predictions, Truth]:
    """Up to four defects an image; detections are shifted, missed, invented or misnamed."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(CLASSES), n)
    drawn = [_boxes(random, 4) if label else [] for label in labels]
    found = [_found(random, label, boxes) for label, boxes in zip(labels, drawn, strict=True)]
    segmentation = np.stack([one.masks.any(0) for one in found])
    truth = truth_of(labels, drawn)
    proba = random.dirichlet(np.full(len(CLASSES), 0.5), n)
    return predictions(truth, labels, segmentation, found, proba), truth


def _boxes(random: np.random.Generator, most: int) -> list[tuple]:
    corners = random.integers(0, GRID - 16, (random.integers(1, most + 1), 2))
    return [(x, y, x + random.integers(4, 16), y + random.integers(4, 16)) for x, y in corners]


def _found(random: np.random.Generator, label: int, boxes: list[tuple]) -> Detections:
    kept = [tuple(np.clip(np.add(b, random.integers(-1, 2, 4)), 0, GRID)) for b in boxes]
    found = [(box, random.random(), label) for box in kept if random.random() < 0.8]
    invented = random.random() < 0.3
    return detections(
        *found,
        *((b, random.random(), random.integers(1, 4)) for b in _boxes(random, 2) if invented),
    )


@pytest.fixture
def make() -> SimpleNamespace:
    """The makers above, for tests that draw their own case."""
    return SimpleNamespace(
        truth=truth_of, predictions=predictions, detections=detections, rectangle=rectangle
    )


@pytest.fixture(params=range(4))
def case(request) -> tuple[Predictions, Truth]:
    return random_case(request.param)
