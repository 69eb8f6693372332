"""The x12 policy: a random flip, a rotation and a change of brightness."""

from typing import Literal

import albumentations as A
import cv2

from anomaly.augment.policy import Policy
from anomaly.config.ranges import Degrees, Factor, Number


def build(
    *,
    seed: int,
    factor: Number | Literal["balance"],
    rotation: Degrees,
    brightness: tuple[Factor, Factor],
) -> Policy:
    """Flip (horizontally, vertically or not), rotate, and multiply intensities by a random factor.

    Args:
        factor: versions of each defective image, or "balance"; good images stay single.
        rotation: largest angle, degrees.
        brightness: smallest and largest factor.
    """
    flip = A.OneOf([A.HorizontalFlip(p=1), A.VerticalFlip(p=1), A.NoOp(p=1)], p=1)
    rotate = A.Rotate((-rotation, rotation), border_mode=cv2.BORDER_REFLECT_101, p=1)
    light = A.MultiplicativeNoise(multiplier=tuple(brightness), elementwise=False, p=1)
    return Policy([A.Compose([flip, rotate, light])], factor, good_factor=1, seed=seed)
