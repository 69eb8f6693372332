"""Each layer by itself: built, called, and rebuilt from its configuration."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

from anomaly.model.mask_rcnn.layers.detections import Detect, OfClass
from anomaly.model.mask_rcnn.layers.proposals import Proposals
from anomaly.model.mask_rcnn.layers.roi_align import RoIAlign

SCALES, RATIOS = [8, 16, 32, 64, 128], [0.5, 1.0, 2.0]
LAYERS = [
    Proposals(64, SCALES, RATIOS, 20, 10, 0.7),
    RoIAlign(7, 224),
    Detect(64, 5, 0.05, 0.5),
    OfClass(),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_every_argument_is_in_the_configuration(layer):
    config = layer.get_config()
    names = [name for name in inspect.signature(type(layer).__init__).parameters if name != "self"]
    assert set(names) - {"kwargs", "args"} <= set(config)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == config


def outputs(logit: float = -9.0):
    """Of a proposal head on 64 pixels, in a batch of one, that finds nothing."""
    cells = [3 * side**2 for side in (16, 8, 4, 2, 1)]
    logits = [np.full((1, n, 1), logit, np.float32) for n in cells]
    return logits, [np.zeros((1, n, 4), np.float32) for n in cells]


def test_proposals_are_the_anchors_with_the_highest_scores_clipped():
    layer = LAYERS[0]
    logits, deltas = outputs()
    logits[1][0, 3 * (2 * 8 + 5) + 1] = 5  # P3, row 2, column 5, square
    logits[4][0, 1] = 4  # P6, square, twice the image
    boxes = np.asarray(layer(logits, deltas))
    assert boxes.shape == (1, 10, 4)
    middle = np.float32([5.5 * 8, 2.5 * 8])
    assert np.allclose(boxes[0, 0], [*(middle - 8), *(middle + 8)])
    assert np.allclose(boxes[0, 1], [0, 0, 64, 64])


def test_a_near_duplicate_is_no_second_proposal():
    logits, deltas = outputs()
    first, second = 3 * 5 + 1, 3 * 6 + 1  # side by side on P2: 8 pixels wide, 4 apart
    logits[0][0, [first, second], 0] = 5, 4
    deltas[0][0, second, 0] = -0.5  # the second moves onto the first
    boxes = np.asarray(LAYERS[0](logits, deltas))[0]
    assert np.allclose(boxes[0], [22 - 4, -2 + 0, 22 + 4, 6], atol=4)
    assert not np.allclose(boxes[1], boxes[0])


def test_detections_are_the_highest_scores_of_each_class():
    regions = np.float32([[[0, 0, 20, 20], [1, 0, 21, 20], [40, 40, 60, 60], [5, 5, 9, 9]]])
    logits = np.log(np.float32([[
        [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6], [0.96, 0.02, 0.02],
    ]]))  # fmt: skip
    boxes, scores, labels = LAYERS[2](regions, logits, np.zeros((1, 4, 2, 4), np.float32))
    assert np.allclose(np.asarray(scores)[0], [0.8, 0.6, 0.3, 0.1, -1], atol=1e-4)
    assert np.asarray(labels)[0, :4].tolist() == [1, 2, 1, 2]
    assert np.allclose(np.asarray(boxes)[0, :2], [[0, 0, 20, 20], [40, 40, 60, 60]])


def test_the_mask_is_that_of_the_class():
    masks = np.stack([np.full((1, 2, 3, 3), value, np.float32) for value in (1, 2, 3)], -1)
    assert np.asarray(OfClass()(masks, np.int32([[3, 1]])))[0, :, 0, 0].tolist() == [3, 1]


def test_a_box_without_area_is_no_detection():
    """A padding region, and one that moves out of the image; both with a high score."""
    regions = np.array([[[0, 0, 0, 0], [40, 10, 60, 30], [10, 10, 30, 30]]], np.float32)
    deltas = np.zeros((1, 3, 1, 4), np.float32)
    deltas[0, 1, 0, 0] = 100
    boxes, scores, _ = Detect(64, 3, 0.05, 0.5)(regions, np.full((1, 3, 2), [0.0, 2]), deltas)
    assert (np.asarray(scores)[0] > 0).tolist() == [True, False, False]
    assert np.asarray(boxes)[0, 0].tolist() == [10, 10, 30, 30]
