"""OpenVINO, for processors of Intel and others."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import openvino

from anomaly.inspector.runtimes.network import Network

FILE = "network.xml"
# Where a processor has bfloat16, OpenVINO would take it, which changes verdicts.
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


def load(folder: Path, threads: int) -> Network:
    """See `runtimes.network.load`."""
    core = openvino.Core()
    options = {**EXACT, "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    compiled = core.compile_model(core.read_model(str(folder / FILE)), "CPU", options)
    names = [output.get_node().get_friendly_name() for output in compiled.outputs]
    of_thread = threading.local()  # a request serves one call at a time

    def network(pixels: np.ndarray) -> dict[str, np.ndarray]:
        if not hasattr(of_thread, "request"):
            of_thread.request = compiled.create_infer_request()
        results = of_thread.request.infer([pixels])
        return {name: np.array(results[place]) for place, name in enumerate(names)}

    return network
