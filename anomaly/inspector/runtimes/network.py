"""The contract of every runtime, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from anomaly.errors import InputError, first_line

KERAS = "keras"  # of a bundle that was not exported
RUNTIMES = {  # name: the package that it needs, and the extra of ours that installs it
    "onnx": ("onnxruntime", "onnx"),
    "openvino": ("openvino", "openvino"),
    "litert": ("ai-edge-litert", "litert"),
    "saved_model": ("tensorflow", "train"),
}
Network = Callable[[np.ndarray], dict[str, np.ndarray]]  # (1, s, s, 3) uint8 RGB to its outputs


def load(runtime: str, folder: Path, threads: int) -> Network:
    """The network that was exported into a folder; several threads may call it.

    Args:
        runtime: a key of RUNTIMES.
        threads: of a processor, that one call uses.

    Raises:
        InputError: there is no such runtime, its package is not installed, or its file is damaged.
    """
    if runtime not in RUNTIMES:
        raise InputError(
            f"the bundle {folder} was exported to {runtime!r}, which this version cannot run:"
            " install a newer anomaly"
        )
    package, extra = RUNTIMES[runtime]
    try:
        return import_module(f"anomaly.inspector.runtimes.{runtime}").load(folder, threads)
    except ImportError as error:
        raise InputError(
            f"the bundle {folder} needs {package}, which is not installed: in this project's"
            f" clone, pip install '.[{extra}]' ({first_line(error)})"
        ) from None
    except Exception as error:  # every runtime raises errors of its own
        raise InputError(
            f"the network in {folder} cannot be read by {package} ({first_line(error)});"
            " export it again"
        ) from None
