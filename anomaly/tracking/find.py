"""Finds runs by their tags and loads what they predicted."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from anomaly.errors import InputError
from anomaly.tracking.disk.predictions import read_predictions
from anomaly.tracking.model import BUNDLE, MODEL
from anomaly.tracking.read import FINISHED, pages
from anomaly.tracking.refusal import reason
from anomaly.tracking.store import Store
from anomaly.types import Predictions


def finished_runs(store: Store, experiment: str, tags: Mapping[str, str]) -> list[Run]:
    """The FINISHED runs that carry all the tags, the newest first."""
    client, experiment_id = store.connect(experiment)
    conditions = [FINISHED, *(f"tags.`{key}` = '{value}'" for key, value in tags.items())]
    return list(pages(client, [experiment_id], " and ".join(conditions)))


def run_of(store: Store, run_id: str) -> Run:
    """The run of that id.

    Raises:
        InputError: the store has none.
    """
    client, _ = store.connect()
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        raise InputError(f"run {run_id} was not found in {store.uri}: {reason(error)}") from None


def overrides_of(store: Store, run_id: str) -> list[str]:
    """What was typed to train a run, word by word.

    Raises:
        InputError: the run left no record of it.
    """
    client, _ = store.connect()
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = client.download_artifacts(run_id, ".hydra/overrides.yaml", folder)
            return [str(word) for word in yaml.safe_load(Path(path).read_text())]
        except (MlflowException, OSError, yaml.YAMLError, TypeError) as error:
            raise InputError(
                f"run {run_id} left no readable .hydra/overrides.yaml ({reason(error)})"
            ) from None


def copy_bundle(store: Store, run_id: str, folder: Path) -> None:
    """Copy the bundle of a run to a folder, which is made.

    Raises:
        InputError: the run left none, or the store does not give it.
    """
    client, _ = store.connect()
    with tempfile.TemporaryDirectory() as aside:
        try:
            bundle = client.download_artifacts(run_id, f"{MODEL}/{BUNDLE}", aside)
            shutil.copytree(bundle, folder)
        except (MlflowException, OSError) as error:
            raise InputError(
                f"run {run_id} left no model that can be copied ({reason(error)}); train it again"
                " with trainer.rerun=true"
            ) from None


def predictions_of(store: Store, run: Run, part: str) -> Predictions:
    """What a run predicted for a part (val or test).

    Raises:
        InputError: the file is missing or damaged; the sentence names where it should be.
    """
    client, _ = store.connect()
    name = f"predictions/{part}.npz"
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = Path(client.download_artifacts(run.info.run_id, name, folder))
        except (MlflowException, OSError) as error:
            raise InputError(
                f"{name} is missing in {run.info.artifact_uri} ({reason(error)})"
            ) from None
        try:
            return read_predictions(path)
        except InputError as error:
            sentence = str(error).replace(str(path), f"{run.info.artifact_uri}/{name}")
            raise InputError(sentence) from None
