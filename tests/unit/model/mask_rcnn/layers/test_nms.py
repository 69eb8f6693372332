"""Non-maximum suppression, against the usual greedy loop."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.model.mask_rcnn.layers import boxes
from anomaly.model.mask_rcnn.layers.nms import suppress


def greedy(candidates: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    """The places of kept boxes, one after the other."""
    overlap = np.asarray(boxes.iou(candidates[None], candidates[None]))[0]
    kept: list[int] = []
    for place in range(len(candidates)):
        if scores[place] >= 0 and all(overlap[place, k] <= threshold for k in kept):
            kept.append(place)
    return kept


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.7])
@pytest.mark.parametrize("seed", range(4))
def test_it_keeps_what_the_greedy_loop_keeps(threshold, seed):
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 50, (2, 200, 2))
    candidates = np.concatenate([corner, corner + random.uniform(5, 40, (2, 200, 2))], -1)
    candidates, scores = (
        candidates.astype(np.float32),
        -np.sort(-random.random((2, 200), np.float32)),
    )
    scores[:, 180:] = -1
    kept = np.asarray(suppress(candidates, scores, threshold))
    for image in range(2):
        assert np.flatnonzero(kept[image] >= 0).tolist() == greedy(
            candidates[image], scores[image], threshold
        )
        assert np.allclose(kept[image][kept[image] >= 0], scores[image][kept[image] >= 0])


def test_in_a_chain_every_second_one_is_kept():
    starts = np.arange(
        0, 60, 3, dtype=np.float32
    )  # each overlaps its neighbours by half, no others
    candidates = np.stack([starts, np.zeros(20), starts + 9, np.full(20, 5)], -1)[None].astype(
        np.float32
    )
    kept = np.asarray(suppress(candidates, np.linspace(1, 0.1, 20, dtype=np.float32)[None], 0.45))
    assert (kept[0] >= 0).tolist() == [place % 2 == 0 for place in range(20)]


def test_equal_boxes_are_one_and_empty_ones_suppress_nothing():
    candidates = np.float32([[[0, 0, 9, 9], [0, 0, 9, 9], [0, 0, 0, 0], [0, 0, 0, 0]]])
    kept = np.asarray(suppress(candidates, np.float32([[0.9, 0.8, 0.7, 0.6]]), 0.5))
    assert (kept[0] >= 0).tolist() == [True, False, True, True]
