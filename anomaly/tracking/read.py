"""Reads recorded runs and creates nothing: no store, and no tables in a database without them."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from anomaly.errors import InputError
from anomaly.tracking.address import sqlite_file
from anomaly.tracking.refusal import refusal

PAGE = 1000  # runs in one answer
FINISHED = "attributes.status = 'FINISHED'"


def reader(uri: str) -> MlflowClient | None:
    """A client of a store that exists; None where no run was ever recorded.

    Raises:
        InputError: the store cannot be used.
    """
    file = sqlite_file(uri)
    try:
        # MLflow would create its tables in any database that lacks them.
        return MlflowClient(uri) if file is None or _holds_runs(file) else None
    except Exception as error:  # MLflow wraps only some exceptions of database drivers
        raise InputError(refusal(uri, error)) from None


def all_finished(client: MlflowClient) -> list[Run]:
    """The FINISHED runs of all experiments, the newest first.

    Raises:
        InputError: the store cannot be read.
    """
    try:
        experiments = [e.experiment_id for e in client.search_experiments()]
        return list(pages(client, experiments, FINISHED)) if experiments else []
    except Exception as error:  # as in `reader`
        raise InputError(refusal(client.tracking_uri, error)) from None


def pages(client: MlflowClient, experiments: list[str], query: str) -> Iterator[Run]:
    """The runs that match MLflow's filter `query`, the newest first, however many there are."""
    token = None
    while True:
        page = client.search_runs(
            experiments,
            query,
            max_results=PAGE,
            order_by=["attributes.start_time DESC"],
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return


@contextmanager
def files(client: MlflowClient, run_id: str, wanted: Sequence[str]) -> Iterator[dict[str, Path]]:
    """{name: path} of the wanted artifacts that the run has, until the context ends.

    Raises:
        InputError: one that the run has cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            names = _present(client, run_id, wanted)
            paths = {n: Path(client.download_artifacts(run_id, n, folder)) for n in names}
        except (MlflowException, OSError) as error:
            raise InputError(refusal(client.tracking_uri, error)) from None
        yield paths


def _holds_runs(file: Path) -> bool:
    if not file.is_file():
        return False
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
        query = "SELECT count(*) FROM sqlite_master WHERE name = 'runs'"
        return bool(database.execute(query).fetchone()[0])


def _present(client: MlflowClient, run_id: str, wanted: Sequence[str]) -> list[str]:
    folders = {str(PurePosixPath(name).parent) for name in wanted}
    listed = [client.list_artifacts(run_id, None if f == "." else f) for f in folders]
    present = {artifact.path for artifacts in listed for artifact in artifacts}
    return [name for name in wanted if name in present]
