"""Quarter turns and mirror images only: no pixel is interpolated and the light does not change."""

from itertools import compress, product
from typing import Literal

import albumentations as A

from anomaly.augment.policy import Policy
from anomaly.config.ranges import Number

STEPS = (A.HorizontalFlip, A.VerticalFlip, A.Transpose)


def build(*, seed: int, factor: Number | Literal["balance"], good_factor: Number) -> Policy:
    """The eight symmetries of a square, in a fixed order, repeated after the eighth version."""
    choices = product((False, True), repeat=len(STEPS))
    pipelines = [A.Compose([step(p=1) for step in compress(STEPS, choice)]) for choice in choices]
    return Policy(pipelines, factor, good_factor, seed)
