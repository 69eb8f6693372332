"""What an exported network takes and gives, as its ONNX file says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import onnxruntime

from anomaly.errors import InputError, first_line
from anomaly.inspector.runtimes.onnx import ERRORS_ONLY, FILE


class Tensor(NamedTuple):
    """An input or an output."""

    name: str
    dtype: str  # uint8, float, int64, ...
    shape: tuple[int, ...]  # -1 where it depends on the photo


class Signature(NamedTuple):
    """Of a network."""

    inputs: list[Tensor]
    outputs: list[Tensor]


def read(folder: Path) -> Signature:
    """The signature of the ONNX network in a bundle.

    Raises:
        InputError: the file is damaged.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(
            str(folder / FILE), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises errors of its own
        raise InputError(
            f"the network in {folder} cannot be read ({first_line(error)}); export it again"
        ) from None
    return Signature(_tensors(session.get_inputs()), _tensors(session.get_outputs()))


def _tensors(nodes: Iterable[Any]) -> list[Tensor]:
    return [
        Tensor(
            node.name,
            node.type.removeprefix("tensor(").removesuffix(")"),
            tuple(side if isinstance(side, int) else -1 for side in node.shape),
        )
        for node in nodes
    ]
