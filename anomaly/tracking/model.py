"""A bundle in MLflow's format: what `mlflow.pyfunc` loads is the model that was judged."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

import yaml
from mlflow import pyfunc
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType

MODEL, BUNDLE = "model", "data"  # the folders of a run's model, and of the bundle in it
LOADER = "anomaly.inspector.pyfunc"
REQUIREMENTS, ENVIRONMENT = "requirements.txt", "python_env.yaml"
TEXT, NUMBER = DataType.string, DataType.double
COLUMNS = {
    **{"verdict": TEXT, "defect": TEXT, "probability": NUMBER, "score": NUMBER},
    **{"probabilities": AnyType(), "boxes": AnyType(), "mask": AnyType()},
    **{"model": TEXT, "version": TEXT},
}
SIGNATURE = ModelSignature(
    Schema([ColSpec(AnyType())]),  # without a name: a list of photos, or a table of them
    Schema([ColSpec(kind, name) for name, kind in COLUMNS.items()]),
)


def describe(folder: Path, digest: str, versions: Mapping[str, str], *, has_network: bool) -> None:
    """Write MLmodel beside the bundle that lies in `folder`/BUNDLE.

    Args:
        digest: of the bundle.
        versions: of the libraries that computed it, which MLflow installs to serve it.
        has_network: whether the bundle is one Keras model, which mlflow.keras can then load alone.
    """
    (folder / REQUIREMENTS).write_text("".join(f"{k}=={v}\n" for k, v in versions.items()))
    python = {"python": platform.python_version(), "dependencies": [f"-r {REQUIREMENTS}"]}
    (folder / ENVIRONMENT).write_text(yaml.safe_dump(python))
    model = Model(signature=SIGNATURE, metadata={"bundle_digest": digest})
    pyfunc.add_to_model(model, loader_module=LOADER, data=BUNDLE, python_env=ENVIRONMENT)
    if has_network:
        model.add_flavor("keras", data=BUNDLE, keras_version=versions["keras"])
    model.save(str(folder / "MLmodel"))
