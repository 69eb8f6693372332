"""The accelerator of this machine, and how networks are compiled for it."""

from __future__ import annotations

import keras


def on_gpu() -> bool:
    """Whether the backend has an accelerator."""
    return not keras.distribution.list_devices()[0].startswith("cpu")


def jit(xla: bool | None) -> bool | str:
    """Keras' `jit_compile`, from `trainer.xla`; None chooses by backend and device.

    On a CPU, XLA compiles a deep network for minutes and makes TensorFlow no faster. JAX always
    compiles with XLA.
    """
    if xla is not None and keras.backend.backend() == "tensorflow":
        return xla
    plain = keras.backend.backend() == "tensorflow" and not on_gpu()
    return False if plain else "auto"
