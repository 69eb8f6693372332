"""A Keras model in MLflow's format, with its signature."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import mlflow.keras
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec


def write_model(folder: Path, model) -> Path:
    """Write `model`, which takes (n, size, size, 3) RGB 0-255; returns the folder of its Keras file."""
    size, output = model.input_shape[1], model.output
    named = output.items() if isinstance(output, dict) else [(None, output)]
    signature = ModelSignature(
        Schema([TensorSpec(np.dtype("float32"), (-1, size, size, 3), "image")]),
        Schema([TensorSpec(np.dtype(x.dtype), (-1, *x.shape[1:]), name) for name, x in named]),
    )
    pinned = [f"{name}=={version(name)}" for name in ("keras", "tensorflow")]
    mlflow.keras.save_model(model, str(folder), signature=signature, pip_requirements=pinned)
    return folder / "data"
