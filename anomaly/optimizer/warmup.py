"""AdamW with linear warm-up, cosine decay and clipped gradients."""

import keras

from anomaly.config.ranges import Fraction, Positive


def build(
    *,
    learning_rate: float,
    steps: int,
    weight_decay: Fraction,
    warmup: Fraction,
    clipnorm: Positive | None,
) -> keras.optimizers.Optimizer:
    """The rate rises from 0 to `learning_rate` and falls back to 0 at `steps`.

    Args:
        warmup: share of the steps in which the rate rises.
        clipnorm: largest global norm of the gradients (Pascanu et al., ICML 2013); None: no limit.
    """
    warmup_steps = round(steps * warmup)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup_steps else learning_rate,
        max(steps - warmup_steps, 1),
        warmup_target=learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
    return keras.optimizers.AdamW(rate, weight_decay=weight_decay, global_clipnorm=clipnorm)
