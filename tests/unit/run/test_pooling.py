"""The predictions of several folds as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anomaly.run.pooling import concatenated
from anomaly.types import FIELDS, Detections, Predictions

CLASSES = ("good", "bent")


def predictions(fold: int, images: int) -> Predictions:
    """Each fold has images, and values, of its own."""
    random = np.random.default_rng(fold)
    heat = random.random((images, 8, 8)).astype(np.float32)
    none = Detections(
        np.zeros((0, 4), np.float32), heat[:0] > 0, np.zeros(0, np.float32), np.zeros(0, np.int64)
    )
    return Predictions(
        tuple(f"{fold}/{number}.png" for number in range(images)),
        CLASSES,
        random.dirichlet(np.ones(2), images),
        heat,
        heat > 0.5,
        (none,) * images,
        random.random(images).astype(np.float32),
    )


def test_the_folds_follow_one_another():
    first, second = predictions(0, 3), predictions(1, 2)
    pooled = concatenated([first, second])
    assert pooled.ids == first.ids + second.ids and pooled.classes == CLASSES
    for part, places in ((first, range(3)), (second, range(3, 5))):
        again = pooled.select(places)
        for name in ("proba", "heat", "segmentation", "score"):
            assert np.array_equal(getattr(again, name), getattr(part, name))
        assert again.detections == part.detections


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_one_fold_lacks_is_absent(field):
    pooled = concatenated([predictions(0, 3), replace(predictions(1, 2), **{field: None})])
    assert [name for name in FIELDS if getattr(pooled, name) is None] == [field]
