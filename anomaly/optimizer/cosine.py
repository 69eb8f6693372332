"""AdamW with cosine decay of the learning rate (Loshchilov & Hutter, ICLR 2019 and ICLR 2017)."""

import keras

from anomaly.config.ranges import Fraction


def build(
    *, learning_rate: float, steps: int, weight_decay: Fraction
) -> keras.optimizers.Optimizer:
    """The rate is `learning_rate` at step 0, half of it at `steps` / 2, and 0 at `steps`."""
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, max(steps, 1))
    return keras.optimizers.AdamW(rate, weight_decay=weight_decay)
