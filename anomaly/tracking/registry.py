"""Models in MLflow: those of runs, and the registry of names and aliases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from anomaly.errors import InputError
from anomaly.tracking.model import MODEL
from anomaly.tracking.names import LATEST
from anomaly.tracking.read import all_finished, reader
from anomaly.tracking.refusal import reason
from anomaly.tracking.store import store_at

NAMED = re.compile(r"models:/(?P<name>[^@/:]+)(@(?P<alias>[^@/]+)|/(?P<version>\d+))")
ALIAS = re.compile(r"(?!latest$|[vV]\d+$)[\w-]{1,255}")  # what MLflow takes
WITH_MODEL = ("member", "ensemble", "refit")  # roles of runs


class Version(NamedTuple):
    """One model under a name."""

    name: str
    version: str
    run_id: str


def client_at(output: Path, uri: str | None) -> MlflowClient:
    """A client of the store that the runs are recorded in.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    store = store_at(output, uri)
    client = reader(store.uri)
    if client is None:
        raise InputError(
            f"no run was ever recorded in {store.uri}; give the folder of your runs as --output"
        )
    return client


def fetch(address: str, output: Path, uri: str | None) -> Path:
    """The folder of the model at runs:/ID, models:/NAME@ALIAS, models:/NAME/VERSION, or `latest`.

    A model on this disk stays where it is; one on a server is copied to a temporary folder.

    Raises:
        InputError: there is no such model, or its run has not finished.
    """
    client = client_at(output, uri)
    address = f"runs:/{newest(client)}" if address == LATEST else address
    run_id = address.removeprefix("runs:/").partition("/")[0]
    if address.startswith("models:/"):
        run_id = version_at(client, address).run_id
    run = finished(client, run_id)
    if run.data.tags.get("role") == "pooled":
        raise InputError(
            f"run {run_id} ({run.info.run_name}) is a cross-validation, with a model for each fold;"
            f" `train refit={run_id}` makes one model of it"
        )
    source = f"{run.info.artifact_uri}/{MODEL}"
    try:
        return Path(mlflow.artifacts.download_artifacts(source, tracking_uri=client.tracking_uri))
    except (MlflowException, OSError) as error:
        raise InputError(
            f"run {run_id} ({run.info.run_name}) left no model in {source} ({reason(error)})"
        ) from None


def newest(client: MlflowClient) -> str:
    """The id of the run that finished last and left a model.

    Raises:
        InputError: there is none.
    """
    runs = [run for run in all_finished(client) if run.data.tags.get("role") in WITH_MODEL]
    if runs:
        return max(runs, key=lambda run: run.info.end_time).info.run_id
    raise InputError(f"no training has finished in {client.tracking_uri}; train a model first")


def finished(client: MlflowClient, run_id: str) -> Run:
    """A run that may be used.

    Raises:
        InputError: there is none of that id, it was deleted, or it has not finished.
    """
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        raise InputError(f"run {run_id} was not found: {reason(error)}") from None
    title = f"run {run_id} ({run.info.run_name})"
    if run.info.lifecycle_stage == "deleted":
        raise InputError(f"{title} was deleted; give another, or restore it in MLflow")
    if run.info.status != "FINISHED":
        raise InputError(f"{title} has not finished ({run.info.status}); give another")
    return run


def _check_names(name: str, alias: str) -> None:
    """Before a version is made that nobody could ask for."""
    if not NAMED.fullmatch(f"models:/{name}@{alias}") or not ALIAS.fullmatch(alias):
        raise InputError(
            f"{name}@{alias} cannot be the name of a model: a name has no / : or @, and an alias has"
            " letters, digits, - and _, and is neither latest nor like v1"
        )


def _create(client: MlflowClient, name: str) -> None:
    """The name of a model, unless there is one."""
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def version_at(client: MlflowClient, address: str) -> Version:
    """The version of a model at models:/NAME@ALIAS or models:/NAME/VERSION.

    Raises:
        InputError: it is written otherwise, or there is none.
    """
    parts = NAMED.fullmatch(address)
    if parts is None:
        raise InputError(f"{address} must be models:/NAME@ALIAS or models:/NAME/VERSION")
    try:
        if parts["alias"]:
            found = client.get_model_version_by_alias(parts["name"], parts["alias"])
        else:
            found = client.get_model_version(parts["name"], parts["version"])
    except MlflowException as error:
        raise InputError(f"there is no model {address} ({reason(error)})") from None
    if not found.run_id:
        raise InputError(f"the model {address} was not registered by promote: it names no run")
    return Version(found.name, str(found.version), found.run_id)


def holder(client: MlflowClient, name: str, alias: str) -> Version | None:
    """The version that has an alias now."""
    try:
        return version_at(client, f"models:/{name}@{alias}")
    except InputError:
        return None


def register(client: MlflowClient, name: str, alias: str, run: Run) -> Version:
    """Give the model of a run a name, and the alias to it.

    Raises:
        InputError: the name or the alias cannot be used.
    """
    _check_names(name, alias)
    try:
        _create(client, name)
        source = f"{run.info.artifact_uri}/{MODEL}"
        version = client.create_model_version(name, source, run.info.run_id)
        client.set_registered_model_alias(name, alias, version.version)
    except MlflowException as error:
        raise InputError(f"MLflow refuses {name}@{alias}: {reason(error)}") from None
    return Version(name, str(version.version), run.info.run_id)
