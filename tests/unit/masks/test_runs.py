"""Run lengths are those of pycocotools, and lose nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pycocotools import mask as coco

from anomaly.masks.runs import from_runs, to_runs

CASES = [
    np.zeros((4, 5), bool),
    np.ones((3, 2), bool),
    *(np.random.default_rng(seed).random((13, 7)) > 0.6 for seed in range(5)),
]


@pytest.mark.parametrize("mask", CASES)
def test_the_mask_comes_back_and_pycocotools_reads_the_same(mask):
    runs = json.loads(json.dumps(to_runs(mask)))
    assert np.array_equal(from_runs(runs), mask)
    compressed = coco.frPyObjects(runs, *mask.shape)
    assert np.array_equal(coco.decode(compressed).astype(bool), mask)
