"""Training on several devices: each has a copy of the network, and trains on its share of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from anomaly.config.schema import TrainerConfig
from anomaly.errors import InputError


def check(trainer: TrainerConfig) -> None:
    """Refuse a distribution that would fail, or be ignored, hours later.

    Raises:
        InputError: the backend is not JAX, or a batch cannot be divided evenly.
    """
    if trainer.distribution == "none":
        return
    if keras.backend.backend() != "jax":
        raise InputError(
            "trainer.distribution=data_parallel needs the JAX backend; type KERAS_BACKEND=jax in"
            " front of the command"
        )
    count = devices(trainer.distribution)
    stages = {"trainer": trainer, "trainer.finetune": trainer.finetune}
    for where, stage in stages.items():
        if stage.epochs and stage.batch_size % count:
            raise InputError(
                f"{where}.batch_size={stage.batch_size} cannot be divided among {count} devices;"
                f" give a multiple of {count}"
            )


def devices(distribution: str) -> int:
    """How many devices train."""
    return 1 if distribution == "none" else len(keras.distribution.list_devices())


@contextmanager
def over_devices(distribution: str) -> Iterator[None]:
    """Networks built inside are copied to every device, and a `fit` inside divides its batches.

    Code that processes images one by one stays outside: it runs on the first device.
    """
    chosen = keras.distribution.DataParallel() if distribution == "data_parallel" else None
    keras.distribution.set_distribution(chosen)
    try:
        yield
    finally:
        keras.distribution.set_distribution(None)
