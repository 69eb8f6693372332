"""Instances that several members, or several views, see in one image, as one set.

Source: Solovyev, Wang & Gabruseva, "Weighted boxes fusion", Image and Vision Computing 2021, which
does this with boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from anomaly.masks.boxes import boxes_of
from anomaly.masks.overlap import iou
from anomaly.types import Detections

SAME = 0.5  # instances of one type that overlap this much (IoU) are the same one
HALF = 0.5 - 1e-9  # of the weight; rounding must not lose a tie


class Instance(NamedTuple):
    """One instance, and the member that sees it."""

    score: float
    label: int
    mask: np.ndarray  # (h, w) bool
    weight: float
    member: int


def merge(members: Sequence[Detections], weights: np.ndarray) -> Detections:
    """What the members see in one image, the surest first; (m,) weights sum to 1.

    Instances of one type that overlap are one: its mask is what half of their weight covers, its
    score the weighted mean over all members, of which those that miss it give 0.
    """
    shape = members[0].masks.shape[1:]
    merged = [_merged(group) for group in _groups(_candidates(members, weights))]
    kept = [(score, label, mask) for score, label, mask in merged if mask.any()]
    masks = np.array([mask for _, _, mask in kept], bool).reshape(-1, *shape)
    return Detections(
        boxes=boxes_of(masks),
        masks=masks,
        scores=np.array([score for score, _, _ in kept], np.float32),
        labels=np.array([label for _, label, _ in kept], np.int64),
    )


def _candidates(members: Sequence[Detections], weights: np.ndarray) -> list[Instance]:
    """The surest first; ties in an order that does not depend on the members' order."""
    instances = [
        Instance(float(score), int(label), mask, float(weight), member)
        for member, (seen, weight) in enumerate(zip(members, weights, strict=True))
        for score, label, mask in zip(seen.scores, seen.labels, seen.masks, strict=True)
        if weight
    ]
    return sorted(instances, key=lambda i: (-i.score, i.label, i.mask.tobytes()))


def _groups(candidates: list[Instance]) -> list[list[Instance]]:
    """Each instance with the group that it overlaps most; a member is in a group once."""
    groups: list[list[Instance]] = []
    for instance in candidates:
        same = [group for group in groups if _joins(instance, group)]
        if same:
            max(same, key=lambda group: iou(instance.mask, group[0].mask)).append(instance)
        else:
            groups.append([instance])
    return groups


def _joins(instance: Instance, group: list[Instance]) -> bool:
    first = group[0]
    fits = instance.label == first.label and all(instance.member != i.member for i in group)
    return fits and iou(instance.mask, first.mask) >= SAME


def _merged(group: list[Instance]) -> tuple[float, int, np.ndarray]:
    weights = np.array([instance.weight for instance in group])
    covered = np.average([instance.mask for instance in group], 0, weights)
    score = float(weights @ [instance.score for instance in group])
    return score, group[0].label, covered >= HALF
