"""Turned and mirrored, and nothing else: not a pixel is invented, the light stays as it is."""

from itertools import compress, product
from typing import Literal

import albumentations as A

from anomaly.augment.policy import Policy
from anomaly.config.ranges import Number

STEPS = (A.HorizontalFlip, A.VerticalFlip, A.Transpose)


def build(*, seed: int, factor: Number | Literal["balance"], good_factor: Number) -> Policy:
    """The eight symmetries of a square, in a fixed order; more versions than eight repeat them."""
    choices = product((False, True), repeat=len(STEPS))
    pipelines = [A.Compose([step(p=1) for step in compress(STEPS, chosen)]) for chosen in choices]
    return Policy(pipelines, factor, good_factor, seed)
