"""A Keras model in MLflow's format, with its signature."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import mlflow.keras
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec


def write_model(folder: Path, model, classes: int) -> Path:
    """Write `model` (RGB 0-255 to probabilities); returns the folder of the Keras file itself."""
    size = model.input_shape[1]
    signature = ModelSignature(
        Schema([TensorSpec(np.dtype("float32"), (-1, size, size, 3), "image")]),
        Schema([TensorSpec(np.dtype("float32"), (-1, classes))]),
    )
    needs = [f"{name}=={version(name)}" for name in ("keras", "tensorflow")]
    mlflow.keras.save_model(model, str(folder), signature=signature, pip_requirements=needs)
    return folder / "data"
