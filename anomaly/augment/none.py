"""No augmentation: every image once, unchanged."""

import albumentations as A

from anomaly.augment.policy import Policy


def build(*, seed: int) -> Policy:
    """The policy that changes nothing."""
    return Policy([A.Compose([])], factor=1, good_factor=1, seed=seed)
