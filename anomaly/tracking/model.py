"""A Keras model in MLflow's format, with its signature."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import mlflow.keras
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec


def write_model(folder: Path, model) -> Path:
    """Write `model`, which takes RGB 0-255; returns the folder of the Keras file itself."""
    size, out = model.input_shape[1], model.output
    named = out.items() if isinstance(out, dict) else [(None, out)]
    signature = ModelSignature(
        Schema([TensorSpec(np.dtype("float32"), (-1, size, size, 3), "image")]),
        Schema([TensorSpec(np.dtype(x.dtype), (-1, *x.shape[1:]), name) for name, x in named]),
    )
    needs = [f"{name}=={version(name)}" for name in ("keras", "tensorflow")]
    mlflow.keras.save_model(model, str(folder), signature=signature, pip_requirements=needs)
    return folder / "data"
