"""AdamW whose rate rises in a line, then falls to 0 along a cosine; gradients are clipped."""

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
    """The full rate after the share `warmup` of all steps, 0 at the end.

    `clipnorm` limits the norm of all gradients together (Pascanu et al., ICML 2013); None does not.
    """
    rising = round(steps * warmup)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0 if rising else learning_rate,
        max(steps - rising, 1),
        warmup_target=learning_rate if rising else None,
        warmup_steps=rising,
    )
    return keras.optimizers.AdamW(rate, weight_decay=weight_decay, global_clipnorm=clipnorm)
