"""What one run does, top to bottom."""

from __future__ import annotations

import hashlib
import json
import logging
import shlex
import subprocess
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.utils import instantiate as hydra_instantiate

from anomaly import quiet
from anomaly.config import Job, RunConfig, parameters
from anomaly.data.cache import Cache
from anomaly.summary import ROWS, print_scores
from anomaly.types import GOOD, Dataset, InputError, Scores

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy
    from anomaly.model.learner import Learner

instantiate = partial(hydra_instantiate, _convert_="all")  # plain lists, not OmegaConf's
log = logging.getLogger(__name__)
# What may differ between two folds of one cross-validation: they learn the same.
APART = ("data.fold", "data.root", "output", "tracking.uri", "cache.gigabytes")


def run(config: RunConfig, job: Job) -> float:
    """Train, predict, score and record one model; returns the sweep's objective.

    Raises:
        InputError: something the user can mend; nothing computed by then is lost.
    """
    output = Path(config.output)
    cache = Cache(output / "cache", config.cache.gigabytes)
    dataset: Dataset = instantiate(config.data)(cache=cache)
    _announce(dataset)
    _check_objective(config.objective, dataset.classes)
    from anomaly.tracking import run as tracking
    from anomaly.tracking import store

    uri = store.store_uri(config.tracking, output)
    store.connect(uri, output, dataset.category)
    quiet.import_keras()  # seconds of imports, after everything that can fail at once
    from anomaly import pooling, results

    augment, learner = _slots(config, dataset, cache)
    start = partial(tracking.start, uri, output, experiment=dataset.category)
    tags, name = _tags(config, job, dataset), f"{dataset.category}-{job.choices['backbone']}"
    with start(job.folder, name=name, params=parameters(config), tags=tags) as tracker:
        learner.fit(dataset.train, dataset.validate, config.trainer, tracker.epoch)
        scores = results.write(job.folder, dataset, learner, augment, cache)
        tracker.finish(results.metrics(scores))
    cache.trim()
    _conclude(job, tracker.record.run_id, scores, uri)
    if dataset.folds_digest:
        pooling.pool(config, dataset, job.folder, tags, uri, start)
    return scores["val"].values[config.objective.removeprefix("val/")]


def _announce(dataset: Dataset) -> None:
    parts = ", ".join(f"{part.name} {len(part)}" for part in dataset.splits)
    log.info("%s: %s; classes %s", dataset.category, parts, ", ".join(dataset.classes))
    if dataset.copies:
        log.info("%d parts were photographed more than once (split.csv):", len(dataset.copies))
        for ids in dataset.copies.values():
            log.info("  %s", ", ".join(ids))


def _check_objective(objective: str, classes: tuple[str, ...]) -> None:
    """Refuse a name that no run's scores hold, before hours of training rather than after."""
    of_classes = [f"{kind}.{name}" for kind in ("recall", "ap") for name in classes]
    known = [f"val/{name}" for name in (*ROWS, *of_classes) if name != f"ap.{GOOD}"]
    if objective not in known:
        near = get_close_matches(objective, known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(
            f"objective={objective} is not a figure of a run{hint} (one of: {', '.join(known)})"
        )


def _slots(config: RunConfig, dataset: Dataset, cache: Cache) -> tuple[Policy, Learner]:
    import keras

    keras.utils.set_random_seed(config.seed)
    augment = instantiate(config.augment)(seed=config.seed)
    learner = instantiate(config.model)(
        backbone=instantiate(config.backbone),
        classes=dataset.classes,
        augment=augment,
        optimizer=instantiate(config.optimizer),
        cache=cache,
        seed=config.seed,
    )
    return augment, learner


def _tags(config: RunConfig, job: Job, dataset: Dataset) -> dict[str, str]:
    tags = {
        "role": "member",
        "category": dataset.category,
        "split": dataset.digest,
        "folder": str(job.folder),
        "sweep": job.sweep or "",
        "git": _git_commit(),
        **job.choices,
        "mlflow.note.content": "`" + shlex.join(["python", "train.py", *job.overrides]) + "`",
    }
    if dataset.folds_digest:
        same = {k: v for k, v in parameters(config).items() if k not in APART}
        text = json.dumps([dataset.folds_digest, same], sort_keys=True, default=str)
        tags["cross_validation"] = hashlib.sha256(text.encode()).hexdigest()[:16]
        tags["fold"] = str(config.data["fold"])
    return tags


def _git_commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    here = Path(__file__).parent
    try:
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # no git, or no repository
        return ""
    return done.stdout.strip()


def _conclude(job: Job, run_id: str, scores: dict[str, Scores], uri: str) -> None:
    ui = f"mlflow ui --backend-store-uri {uri}" if uri.startswith("sqlite") else uri
    places = [("run", run_id), ("results", str(job.folder)), ("compare", f"make ui ({ui})")]
    print_scores("Result, reported on the test part", scores, places)
