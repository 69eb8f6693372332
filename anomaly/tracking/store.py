"""First contact with the tracking store: found to be there before anything is computed."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

# Before mlflow is imported: a dead server should be reported in seconds, not minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # of files of a moment

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from anomaly.config.schema import TrackingConfig
from anomaly.errors import InputError

logging.getLogger("alembic").setLevel(logging.WARNING)  # a new database narrates its migrations
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # `connect` says it better
logging.getLogger("mlflow.utils.environment").setLevel(
    logging.ERROR
)  # no pip in the venv: so be it
CAUSE = re.compile(  # what matters in a chain of exceptions that quote each other
    r"Connection refused|Name or service not known|[Tt]imed out|database or disk is full"
    r"|No route to host|unable to open database file|readonly database"
)


def store_uri(tracking: TrackingConfig, output: Path) -> str:
    """The configured server, or a SQLite file in the output folder."""
    return tracking.uri or f"sqlite:///{(output / 'mlflow.db').resolve()}"


def connect(uri: str, output: Path, experiment: str) -> tuple[MlflowClient, str]:
    """A client, and the id of the experiment, which is created where it is missing.

    Raises:
        InputError: the store cannot be reached or used.
    """
    file = sqlite_file(uri)
    if file and file.is_dir():  # for which MLflow would wait for minutes
        raise InputError(f"{file} is a folder, and should be the tracking store; move it away")
    try:
        # Processes that meet a new SQLite file together break its migration for good.
        with FileLock(file.with_suffix(".lock")) if file else nullcontext():
            if file and not file.exists():
                _create(file)
            client = MlflowClient(uri)
            return client, _experiment(client, experiment, output if file else None)
    except Exception as error:  # every database driver has its own, before MLflow wraps them
        raise InputError(refusal(uri, error)) from None


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite store; None for any other."""
    scheme, _, path = uri.partition(":///")
    return Path(path.partition("?")[0]) if scheme.startswith("sqlite") and path else None


def _create(file: Path) -> None:
    """Make a SQLite store aside: one interrupted half-way would stay broken for good."""
    part = file.with_name(file.name + ".part")
    for leftover in (part, part.with_name(part.name + "-journal")):
        leftover.unlink(missing_ok=True)
    MlflowClient(f"sqlite:///{part}").search_experiments(max_results=1)
    os.replace(part, file)


def reason(error: Exception) -> str:
    """What MLflow says, short enough for one sentence: the cause, or else its first line."""
    text = str(error).strip() or type(error).__name__
    cause = CAUSE.search(text)
    return cause[0] if cause else text.splitlines()[0][:300]


@contextmanager
def answering(uri: str) -> Iterator[None]:
    """Calls to a store that was connected before.

    Raises:
        InputError: it does not answer any more, or refuses.
    """
    try:
        yield
    except (MlflowException, OSError) as error:
        raise InputError(refusal(uri, error)) from None


def refusal(uri: str, error: Exception) -> str:
    """The sentence that says why a store cannot be used, and what to do."""
    why = reason(error)
    advice = "correct tracking.uri, or leave it out to record in the output folder"
    if uri.startswith("http"):
        advice = "start the server, " + advice
    elif "not a database" in why or "malformed" in why:
        advice = f"it is damaged: move {sqlite_file(uri)} away, and a new one is made"
    elif "disk is full" in why or "No space left" in why:
        advice = "free some space, or set output=DIR to another disk"
    return f"cannot use the tracking store {uri}: {why}; {advice}"


def _experiment(client: MlflowClient, name: str, output: Path | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        place = (output / "artifacts").resolve().as_uri() if output else None
        return client.create_experiment(name, artifact_location=place)
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    return found.experiment_id
