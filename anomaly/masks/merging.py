"""Members' predictions as one: probabilities by a combiner, pixels and instances by its weights.

Pixels are voted on, so that members need not agree on what a heat of 0.3 means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from anomaly.types import Detections, Predictions

SAME = 0.5  # instances of one type that overlap this much (IoU) are the same one
HALF = 0.5 - 1e-9  # of the weight; rounding must not lose a tie


class Found(NamedTuple):
    """One member's instance."""

    score: float
    label: int
    mask: np.ndarray  # (h, w) bool
    weight: float
    member: int


def fuse(members: Sequence[Predictions], proba: np.ndarray, weights: np.ndarray) -> Predictions:
    """The members' predictions of the same images in the same order, with (n, c) `proba`.

    Heat is the weighted mean. A pixel is defective where members of half the weight say so.
    """
    heat = _each_image([m.heat for m in members], weights)
    covered = _each_image([m.segmentation for m in members], weights)
    images = zip(*(member.detections for member in members), strict=True)
    return Predictions(
        members[0].ids,
        members[0].classes,
        proba,
        np.stack([np.clip(mean, 0, 1).astype(np.float32) for mean in heat]),
        np.stack([share >= HALF for share in covered]),
        tuple(instances(found, weights) for found in images),
    )


def _each_image(maps: Sequence[np.ndarray], weights: np.ndarray) -> Iterator[np.ndarray]:
    """The weighted sum of the members' (n, h, w) maps, (h, w) in float64, one image at a time."""
    for of_members in zip(*maps, strict=True):
        yield np.tensordot(weights, of_members, 1)


def instances(found: Sequence[Detections], weights: np.ndarray) -> Detections:
    """The instances of one image, as weighted boxes fusion does with boxes.

    Instances of one type that overlap are one: its mask is what half of their weight covers, its
    score the weighted mean over all members, of which those that miss it give 0.

    Source: Solovyev, Wang & Gabruseva, "Weighted boxes fusion", Image and Vision Computing 2021.
    """
    shape = found[0].masks.shape[1:]
    fused = [_fused(group) for group in _groups(_candidates(found, weights))]
    kept = [(score, label, mask) for score, label, mask in fused if mask.any()]
    return Detections(
        boxes=np.array([box_of(mask) for _, _, mask in kept], np.float32).reshape(-1, 4),
        masks=np.array([mask for _, _, mask in kept], bool).reshape(-1, *shape),
        scores=np.array([score for score, _, _ in kept], np.float32),
        labels=np.array([label for _, label, _ in kept], np.int64),
    )


def _candidates(found: Sequence[Detections], weights: np.ndarray) -> list[Found]:
    """The surest first; ties in an order that does not depend on the members' order."""
    every = [
        Found(float(score), int(label), mask, float(weight), member)
        for member, (of, weight) in enumerate(zip(found, weights, strict=True))
        for score, label, mask in zip(of.scores, of.labels, of.masks, strict=True)
        if weight
    ]
    return sorted(every, key=lambda f: (-f.score, f.label, f.mask.tobytes()))


def _groups(candidates: list[Found]) -> list[list[Found]]:
    """Each instance with the group that it overlaps most; a member is in a group once."""
    groups: list[list[Found]] = []
    for found in candidates:
        same = [g for g in groups if _joins(found, g)]
        if same:
            max(same, key=lambda g: iou(found.mask, g[0].mask)).append(found)
        else:
            groups.append([found])
    return groups


def _joins(found: Found, group: list[Found]) -> bool:
    fits = found.label == group[0].label and all(found.member != f.member for f in group)
    return fits and iou(found.mask, group[0].mask) >= SAME


def _fused(group: list[Found]) -> tuple[float, int, np.ndarray]:
    weights = np.array([f.weight for f in group])
    covered = np.average([f.mask for f in group], 0, weights)
    score = float(weights @ [f.score for f in group])
    return score, group[0].label, covered >= HALF


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(x1, y1, x2, y2) of a (h, w) bool mask that is not empty, x2 and y2 exclusive."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return x, y, x + width, y + height


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two (h, w) bool masks, 0..1; 0 where both are empty."""
    either = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / either if either else 0.0
