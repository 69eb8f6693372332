"""AdamW (Loshchilov & Hutter, ICLR 2019) whose rate falls to 0 along a cosine (ICLR 2017)."""

import keras

from anomaly.config.ranges import Fraction


def build(
    *, learning_rate: float, steps: int, weight_decay: Fraction
) -> keras.optimizers.Optimizer:
    """The full rate at step 0, a half at half of `steps`, 0 at the end."""
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, max(steps, 1))
    return keras.optimizers.AdamW(rate, weight_decay=weight_decay)
