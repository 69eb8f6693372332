"""LiteRT (formerly TensorFlow Lite), for small machines."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from anomaly.inspector.runtimes.network import Network

FILE = "network.tflite"


def load(folder: Path, threads: int) -> Network:
    """See `runtimes.network.load`."""
    interpreter = Interpreter(str(folder / FILE), num_threads=threads)
    judge = interpreter.get_signature_runner()  # the interpreter alone loses the outputs' names
    (photos,) = judge.get_input_details()
    one_at_a_time = threading.Lock()

    def network(pixels: np.ndarray) -> dict[str, np.ndarray]:
        with one_at_a_time:
            return {name: np.array(value) for name, value in judge(**{photos: pixels}).items()}

    return network
