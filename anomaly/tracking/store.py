"""First contact with the tracking store: found to be there before anything is computed."""

from __future__ import annotations

import logging
import os
from contextlib import nullcontext
from pathlib import Path

# Before mlflow is imported: a dead server should be reported in seconds, not minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from anomaly.config import TrackingConfig
from anomaly.types import InputError

logging.getLogger("alembic").setLevel(logging.WARNING)  # a new database narrates its migrations
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
logging.getLogger("mlflow.utils.environment").setLevel(
    logging.ERROR
)  # no pip in the venv: so be it


def store_uri(tracking: TrackingConfig, output: Path) -> str:
    """The configured server, or a SQLite file in the output folder."""
    return tracking.uri or f"sqlite:///{(output / 'mlflow.db').resolve()}"


def connect(uri: str, output: Path, experiment: str) -> tuple[MlflowClient, str]:
    """A client, and the id of the experiment, which is created where it is missing.

    Raises:
        InputError: the store cannot be reached or used.
    """
    local = uri.startswith("sqlite:")
    # Processes that meet a new SQLite file together break its migration for good.
    lock = FileLock(output.resolve() / "mlflow.lock") if local else nullcontext()
    try:
        with lock:
            client = MlflowClient(uri)
            return client, _experiment(client, experiment, output if local else None)
    except MlflowException as error:
        raise InputError(f"cannot use the tracking store {uri}: {reason(error)}") from None


def reason(error: Exception) -> str:
    """The first line of what MLflow says, short enough for one sentence."""
    return str(error).strip().splitlines()[0][:300]


def _experiment(client: MlflowClient, name: str, output: Path | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        place = (output / "artifacts").resolve().as_uri() if output else None
        return client.create_experiment(name, artifact_location=place)
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    return found.experiment_id
