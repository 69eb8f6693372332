"""ONNX Runtime, on a GPU where the package for it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from anomaly.inspector.runtimes.network import Network

FILE = "network.onnx"
EXACT = {"use_tf32": "0"}  # on a GPU, products would else be of ten bits
ERRORS_ONLY = 3


def load(folder: Path, threads: int) -> Network:
    """See `runtimes.network.load`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = ERRORS_ONLY
    # Else it would keep what eight views at a time could need; so memory is a third, at no cost in time.
    options.enable_mem_pattern = options.enable_cpu_mem_arena = False
    # A thread that waits for work would spin, and take a core from other photos.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(folder / FILE), options, providers=_providers())
    (photos,) = (each.name for each in session.get_inputs())
    names = [each.name for each in session.get_outputs()]

    def network(pixels: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, {photos: pixels}), strict=True))

    return network


def _providers() -> list[Any]:
    cpu = "CPUExecutionProvider"
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return [("CUDAExecutionProvider", EXACT), cpu]
    return [cpu]
