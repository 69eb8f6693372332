"""Members' predictions as one: probabilities by a combiner, pixels and instances by its weights.

Pixels are voted on, so that members need not agree on what a heat of 0.3 means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from anomaly.masks.heat import on_scale
from anomaly.masks.merging import HALF, merge
from anomaly.types import Detections, Predictions


def probabilities(members: Sequence[Predictions]) -> np.ndarray:
    """(m, n, c) float64 of the members.

    Raises:
        ValueError: one has none.
    """
    probas = [member.proba for member in members if member.proba is not None]
    if len(probas) < len(members):
        raise ValueError("members without probabilities cannot be combined")
    return np.stack(probas)


def fuse(members: Sequence[Predictions], proba: np.ndarray, weights: np.ndarray) -> Predictions:
    """The members' predictions of the same images in the same order, with (n, c) `proba`.

    Heat is the weighted mean. A pixel is defective where members of half the weight say so. A
    field that one member lacks is absent; so are scores, which differ in scale.
    """
    return Predictions(
        members[0].ids,
        members[0].classes,
        proba,
        _of_all(members, "heat", lambda maps: _mean_heat(maps, weights)),
        _of_all(members, "segmentation", lambda maps: _majority(maps, weights)),
        _of_all(members, "detections", lambda rows: _merged(rows, weights)),
    )


def _of_all(members: Sequence[Predictions], field: str, combine: Callable) -> Any:
    values = [getattr(member, field) for member in members]
    return None if any(value is None for value in values) else combine(values)


def _mean_heat(maps: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    means = _weighted_sums(maps, weights)
    return np.stack([on_scale(np.clip(mean, 0, 1)) for mean in means])


def _majority(maps: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    return np.stack([share >= HALF for share in _weighted_sums(maps, weights)])


def _weighted_sums(maps: Sequence[np.ndarray], weights: np.ndarray) -> Iterator[np.ndarray]:
    """Of the members' (n, h, w) maps: (h, w) float64, one image at a time to spare memory."""
    for of_members in zip(*maps, strict=True):
        yield np.tensordot(weights, of_members, 1)


def _merged(
    detections: Sequence[tuple[Detections, ...]], weights: np.ndarray
) -> tuple[Detections, ...]:
    return tuple(merge(of_members, weights) for of_members in zip(*detections, strict=True))
