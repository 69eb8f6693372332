"""Drawn photos whose answers travel with an exported bundle: does this machine say the same?

No photo of a part is stored: anybody can draw these. They show no part either, so what a model says
of them means nothing; but it is computed by the same numbers. Kept are those of which the model is
least sure, and compared are logarithms of probabilities, where a wrong precision shows first: in
bfloat16 they differ by 1 and more, between runtimes in float32 by less than 0.001.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from anomaly.data.images import photo
from anomaly.errors import InputError
from anomaly.metrics.calibration import SMALLEST
from anomaly.types import Image

if TYPE_CHECKING:
    from anomaly.inspector.inspector import Judge

SIDE = 256  # pixels
DRAWN, KEPT = 12, 1
CONTRASTS = 1.5 * 2.0 ** np.arange(6)  # standard deviations of grey levels, from plain to glaring
TOLERANCE = 0.01

Answers = Sequence[Mapping[str, Any]]  # of each {"seed": int, "log_proba": [float of each class]}


def drawn(seed: int) -> Image:
    """Some colour, with spots from coarse to fine."""
    random, sides = np.random.default_rng(seed), (SIDE, SIDE)
    spots = [
        cv2.resize(random.normal(size=(cells, cells, 3)), sides, interpolation=cv2.INTER_CUBIC)
        for cells in (2, 5, 16, 64)
    ]
    contrast = CONTRASTS[seed % len(CONTRASTS)]
    pixels = random.uniform(30, 220, 3) + contrast * np.sum(spots, 0)
    return photo(np.clip(pixels, 0, 255).astype(np.uint8), f"drawn photo {seed}")


def answers(judge: Judge, grid: int) -> list[dict[str, Any]]:
    """What a judge says of those drawn photos of which it is least sure."""
    said = {seed: _log_proba(judge, grid, seed) for seed in range(DRAWN)}
    least_sure = sorted(said, key=lambda seed: float(said[seed].max()))[:KEPT]
    return [{"seed": seed, "log_proba": said[seed].tolist()} for seed in least_sure]


def check(judge: Judge, grid: int, expected: Answers, where: str) -> None:
    """Refuse a judge that does not answer as where it was exported.

    Raises:
        InputError: with the difference.
    """
    for answer in expected:
        now = _log_proba(judge, grid, answer["seed"])
        difference = float(np.abs(now - answer["log_proba"]).max())
        if not difference <= TOLERANCE:
            raise InputError(
                f"the bundle {where} does not say here what it said where it was exported (the"
                f" logarithm of a probability of a drawn photo differs by {difference:.2g}, allowed"
                f" is {TOLERANCE:g}): the runtime of this machine computes otherwise; export again,"
                " on this machine"
            )


def _log_proba(judge: Judge, grid: int, seed: int) -> np.ndarray:
    """(c,) of one drawn photo, before calibration."""
    proba = judge.predict([drawn(seed)], grid).proba
    if proba is None:
        return np.zeros(0)
    return np.log(np.maximum(proba[0], SMALLEST))
