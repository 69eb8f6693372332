"""What a production line really shows: a part lies at any angle, the light varies a little."""

from typing import Literal

import albumentations as A
import cv2

from anomaly.augment.policy import Policy
from anomaly.checks import Degrees, Fraction, Number


def build(
    *,
    seed: int,
    factor: Number | Literal["balance"],
    good_factor: Number,
    rotation: Degrees,
    brightness: Fraction,
    contrast: Fraction,
) -> Policy:
    """Mirror half of the time, rotate, shift brightness and contrast by up to a share."""
    steps = [
        A.HorizontalFlip(p=0.5),
        A.Rotate((-rotation, rotation), border_mode=cv2.BORDER_REFLECT_101, p=1),
        A.RandomBrightnessContrast(brightness, contrast, p=1),
    ]
    return Policy(A.Compose(steps), factor, good_factor, seed)
