"""Where runs are recorded: an MLflow store, contacted before anything is computed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

# Before mlflow is imported: a dead server should be reported in seconds, not minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# The files of a run are small: each would show a progress bar for a moment.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from anomaly.config.schema import RunConfig
from anomaly.errors import InputError
from anomaly.runtime.files import delete_unfinished, replacing
from anomaly.tracking.address import sqlite_address, sqlite_file
from anomaly.tracking.refusal import refusal

logging.getLogger("alembic").setLevel(logging.WARNING)  # lists each migration of a new store
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # `connect` says it better
logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)  # warns: no pip


@dataclass(frozen=True)
class Store:
    """A tracking store.

    Attributes:
        uri: its address, as MLflow takes it.
        output: the folder in which a SQLite store keeps the files of its runs.
    """

    uri: str
    output: Path

    def connect(self, experiment: str = "Default") -> tuple[MlflowClient, str]:
        """A client, and the id of the experiment, which is created where it is missing.

        Raises:
            InputError: the store cannot be reached or used.
        """
        file = sqlite_file(self.uri)
        if file and file.is_dir():  # for which MLflow would wait for minutes
            raise InputError(f"{file} is a folder, and should be the tracking store; move it away")
        try:
            with _created(file) if file else nullcontext():
                client = MlflowClient(self.uri)
                return client, _experiment(client, experiment, self.output if file else None)
        except Exception as error:  # MLflow wraps only some exceptions of database drivers
            raise InputError(refusal(self.uri, error)) from None

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Calls to a store that was connected before.

        Raises:
            InputError: it does not answer any more, or refuses.
        """
        try:
            yield
        except (MlflowException, OSError) as error:
            raise InputError(refusal(self.uri, error)) from None


def store_at(output: Path, uri: str | None = None) -> Store:
    """The store of that address, or else a SQLite file in the output folder."""
    return Store(uri or sqlite_address((output / "mlflow.db").resolve()), output)


def store_of(config: RunConfig) -> Store:
    """The store that a run is recorded in."""
    return store_at(Path(config.output), config.tracking.uri)


@contextmanager
def _created(file: Path) -> Iterator[None]:
    """A SQLite store that exists, for one process at a time: two would break its migration."""
    with FileLock(file.with_suffix(".lock")):
        if not file.exists():
            _create(file)
        yield


def _create(file: Path) -> None:
    """Make a store under another name first: one whose migration was cut off stays broken."""
    delete_unfinished(file)
    with replacing(file) as aside:
        MlflowClient(sqlite_address(aside)).search_experiments(max_results=1)


def _experiment(client: MlflowClient, name: str, output: Path | None) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        location = (output / "artifacts").resolve().as_uri() if output else None
        return client.create_experiment(name, artifact_location=location)
    if experiment.lifecycle_stage != "active":
        client.restore_experiment(experiment.experiment_id)
    return experiment.experiment_id
