"""The proof that an exported model says the same: all of validate, from the files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from anomaly.errors import InputError
from anomaly.inspector.inspector import Inspector
from anomaly.inspector.verdict import Decision, decide
from anomaly.runtime.progress import track
from anomaly.types import Detections, Image, Predictions

PROBABILITY = 1e-4  # largest difference allowed; float32 itself makes some 1e-5
OF_BYTES = 1.0  # with --int8, where numbers are others by intent: verdicts alone must be equal


class Difference(NamedTuple):
    """Of one photo: what was recorded, and what the exported model says."""

    id: str
    recorded: tuple[Decision, str]
    exported: tuple[Decision, str]
    proba: float  # largest difference of a probability
    heat: float  # largest difference of a pixel's heat, 0..1
    pixels: float  # share of pixels that one calls defective and the other does not
    boxes: float  # largest difference of a box's side, pixels; infinite if their number differs

    def within(self, allowed: float) -> bool:
        """Whether the verdict is that of the record, and probabilities differ by at most so much."""
        return self.recorded == self.exported and self.proba <= allowed


def replay(
    inspector: Inspector, images: Sequence[Image], recorded: Predictions
) -> list[Difference]:
    """Judge photos from their files, and compare with what their run recorded of the same.

    Raises:
        InputError: a file cannot be read.
    """
    order = [recorded.ids.index(image.id) for image in images]
    return [
        _difference(inspector, recorded.select([place]), inspector.predict([image]))
        for image, place in track(
            list(zip(images, order, strict=True)), "photos of validate", len(images)
        )
    ]


def check(differences: Sequence[Difference], what: str, allowed: float = PROBABILITY) -> None:
    """Refuse an export of which any photo differs, in its verdict or by more than `allowed`.

    Raises:
        InputError: with the worst photo.
    """
    different = [each for each in differences if not each.within(allowed)]
    if different:
        worst = max(different, key=lambda each: (each.recorded != each.exported, each.proba))
        raise InputError(
            f"{what} does not say what the trained model says: of {len(differences)} photos of"
            f" validate {len(different)} differ, most of all {worst.id} (recorded {_words(worst.recorded)},"
            f" exported {_words(worst.exported)}, probabilities differ by {worst.proba:.2g}, allowed is"
            f" {allowed:g}); nothing was written"
        )


def _words(verdict: tuple[Decision, str]) -> str:
    decision, name = verdict
    return name if decision in ("good", "defect") else decision


def _difference(inspector: Inspector, recorded: Predictions, exported: Predictions) -> Difference:
    return Difference(
        id=recorded.ids[0],
        recorded=_verdict(inspector, recorded),
        exported=_verdict(inspector, exported),
        proba=_largest(recorded.proba, exported.proba),
        heat=_largest(recorded.heat, exported.heat),
        pixels=_largest(recorded.segmentation, exported.segmentation, np.mean),
        boxes=_of_boxes(recorded.detections, exported.detections),
    )


def _verdict(inspector: Inspector, predictions: Predictions) -> tuple[Decision, str]:
    if predictions.proba is None:
        raise InputError(f"{inspector.about.name} names no class, so there is nothing to compare")
    decision, label = decide(predictions.proba[0], inspector.point)
    return decision, inspector.classes[label]


def _largest(one: np.ndarray | None, other: np.ndarray | None, of=np.max) -> float:
    if one is None or other is None:
        return 0.0
    return float(of(np.abs(one.astype(np.float64) - other)))


def _of_boxes(one: Sequence[Detections] | None, other: Sequence[Detections] | None) -> float:
    if one is None or other is None:
        return 0.0
    if len(one[0]) != len(other[0]):
        return float("inf")
    return float(np.abs(one[0].boxes - other[0].boxes).max(initial=0))
