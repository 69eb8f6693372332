"""For few images or varying conditions: pose, scale, light, focus and sensor noise vary."""

from typing import Literal

import albumentations as A
import cv2

from anomaly.augment.policy import Policy
from anomaly.config.ranges import Degrees, Fraction, Number

BORDERS = {"reflect": cv2.BORDER_REFLECT_101, "replicate": cv2.BORDER_REPLICATE}


def build(
    *,
    seed: int,
    factor: Number | Literal["balance"],
    good_factor: Number,
    rotation: Degrees,
    brightness: Fraction,
    contrast: Fraction,
    shift: Fraction,
    zoom: Fraction,
    noise: Fraction,
    border: Literal["reflect", "replicate"],
) -> Policy:
    """A flip, an affine transform (rotation, shift, zoom), then light, blur and noise, all random.

    Beyond the edge of the image, it is mirrored (`border` reflect) or its edge pixels are repeated
    (replicate).
    """
    affine = A.Affine(
        rotate=(-rotation, rotation),
        translate_percent=(-shift, shift),
        scale=(1 - zoom, 1 + zoom),
        border_mode=BORDERS[border],
        p=1,
    )
    steps = [
        A.HorizontalFlip(p=0.5),
        affine,
        A.RandomBrightnessContrast(brightness, contrast, p=1),
        A.GaussianBlur(sigma_limit=(0.2, 1.0), blur_limit=0, p=0.2),
        A.GaussNoise(std_range=(0.0, noise), p=0.5),
    ]
    return Policy([A.Compose(steps)], factor, good_factor, seed)
