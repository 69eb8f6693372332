"""TensorFlow's SavedModel: for servers that have TensorFlow, without Keras or this package's layers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from anomaly.inspector.runtimes.network import Network

FILE = "network"  # a folder


def load(folder: Path, threads: int) -> Network:
    """See `runtimes.network.load`; TensorFlow uses all cores, whatever `threads` says."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder / FILE))  # kept, since its function does not hold it

    def network(pixels: np.ndarray) -> dict[str, np.ndarray]:
        return {name: value.numpy() for name, value in loaded.serve(pixels).items()}

    return network
