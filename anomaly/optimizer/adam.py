"""Adam (Kingma & Ba, ICLR 2015) at a constant learning rate."""

import keras

from anomaly.config.ranges import Fraction, Positive


def build(
    *, learning_rate: float, steps: int, beta_1: Fraction, beta_2: Fraction, epsilon: Positive
) -> keras.optimizers.Optimizer:
    """The learning rate is constant; `steps` is ignored."""
    return keras.optimizers.Adam(learning_rate, beta_1, beta_2, epsilon)
