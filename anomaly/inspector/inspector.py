"""Judges photos as the run did: the same predictions, temperature and thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Protocol

import numpy as np

from anomaly.data.images import pixels_of
from anomaly.errors import InputError
from anomaly.inspector.about import About
from anomaly.inspector.verdict import Box, Verdict, decide
from anomaly.metrics import operating
from anomaly.metrics.operating import OperatingPoint, defect_scores
from anomaly.types import Detections, Image, Predictions


class Judge(Protocol):
    """A learner, or an ensemble of inspectors."""

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """Predictions for images, in their order, before calibration."""
        ...


@dataclass(frozen=True)
class Inspector:
    """A trained model that judges photos; `anomaly.load` reads one."""

    judge: Judge  #: gives predictions before calibration
    about: About  #: what its bundle says of itself, such as classes and figures
    point: OperatingPoint  #: the temperature and the thresholds in use

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it tells apart, good first."""
        return tuple(self.about.classes)

    def predict(self, images: Sequence[Image]) -> Predictions:
        """Calibrated predictions, in the order of the images, on a square of `about.grid` pixels."""
        return operating.calibrated(self.judge.predict(images, self.about.grid), self.point)

    def inspect(self, images: Iterable[Image]) -> list[Verdict]:
        """A verdict for each image, in their order.

        Raises:
            InputError: an image that cannot be read.
        """
        return [self.judge_one(image) for image in images]

    def judge_one(self, image: Image) -> Verdict:
        """The verdict on one image.

        Raises:
            InputError: it cannot be read.
        """
        started = perf_counter()
        pixels = pixels_of(image)
        predictions = self.predict([replace(image, source=pixels)])
        verdict = self._verdict(predictions, (pixels.shape[0], pixels.shape[1]))
        return replace(verdict, milliseconds=1000 * (perf_counter() - started))

    def with_threshold(self, threshold: float) -> Inspector:
        """The same, sorting out parts whose probability of a defect is at least this, 0..1.

        Raises:
            InputError: it is outside of 0..1.
        """
        if not 0 <= threshold <= 1:
            raise InputError(f"a sorting threshold must be between 0 and 1, got {threshold}")
        return replace(self, point=replace(self.point, sorting_threshold=threshold))

    def with_max_escape_rate(self, share: float) -> Inspector:
        """The same, at the threshold that lets this share of validate's defects through, 0..1."""
        return self.with_threshold(operating.sorting_threshold(*self.about.validate, share))

    def _verdict(self, predictions: Predictions, size: tuple[int, int]) -> Verdict:
        """Of predictions for one photo of `size` (height, width)."""
        scores = defect_scores(predictions)
        if predictions.proba is None or scores is None:
            raise InputError(f"{self.about.name} names no class, so it gives no verdict")
        proba = predictions.proba[0]
        decision, label = decide(proba, self.point)
        masks, heat, found = predictions.segmentation, predictions.heat, predictions.detections
        return Verdict(
            id=predictions.ids[0],
            decision=decision,
            defect=self.classes[label] if decision == "defect" else None,
            probability=float(proba[label]),
            score=float(scores[0]),
            probabilities=dict(zip(self.classes, map(float, proba), strict=True)),
            boxes=() if found is None else self._boxes(found[0], size),
            mask=None if masks is None else masks[0],
            heat=None if heat is None else heat[0],
        )

    def _boxes(self, found: Detections, size: tuple[int, int]) -> tuple[Box, ...]:
        """In pixels of a photo of `size` (height, width), the most certain first."""
        scale = np.array([size[1], size[0]] * 2) / self.about.grid
        rows = zip((found.boxes * scale).tolist(), found.labels, found.scores, strict=True)
        boxes = [
            Box(x1, y1, x2, y2, self.classes[label], float(score))
            for (x1, y1, x2, y2), label, score in rows
        ]
        return tuple(sorted(boxes, key=lambda box: -box.score))
