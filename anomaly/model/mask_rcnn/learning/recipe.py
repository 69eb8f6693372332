"""What a detector needs for training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras

from anomaly.model.mask_rcnn.network import Blocks

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy


@dataclass(frozen=True)
class Recipe:
    """What a detector needs for training, but not for prediction."""

    blocks: Blocks
    backbone: keras.Model
    frozen: str | None
    freeze_batch_norm: bool
    policy: Policy
    optimizer: Callable[..., keras.optimizers.Optimizer]
    max_instances: int
    negatives: float
    validate_every: int
    seed: int
