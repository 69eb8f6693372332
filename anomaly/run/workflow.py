"""What one run does, top to bottom."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anomaly.config import unused
from anomaly.config.job import Job
from anomaly.config.parse import parameters
from anomaly.config.schema import RunConfig
from anomaly.run import tags as naming
from anomaly.run.build import build_learner, instantiate
from anomaly.run.identity import identity
from anomaly.run.prepare import Place, find
from anomaly.run.summary import print_scores
from anomaly.runtime.import_keras import import_keras
from anomaly.types import Predictions, Scores

if TYPE_CHECKING:
    from anomaly.ensemble.combiner import Combiner
    from anomaly.run.members import Member
    from anomaly.tracking.store import Store

log = logging.getLogger(__name__)
OPTIONAL = ("backbone", "augment", "optimizer", "trainer")  # what a learner may or may not read


def run(config: RunConfig, job: Job) -> float:
    """Train or combine, score and record; returns the sweep's objective.

    Raises:
        InputError: something the user can mend; nothing computed by then is lost.
    """
    unused.refuse(config, job)
    place = find(config)
    try:
        tags = naming.tags(config, job, place.dataset)
        work = _combine if config.ensemble else _train
        scores = work(config, job, place, tags)
    finally:
        place.cache.trim()  # other processes have written as well
    return scores["val"].values[config.objective.removeprefix("val/")]


def _train(config: RunConfig, job: Job, place: Place, tags: dict[str, str]) -> dict[str, Scores]:
    """One model, from its backbone to its predictions."""
    import_keras()  # seconds of imports, after everything that can fail at once
    from anomaly.run import evaluate as results
    from anomaly.run import pruning
    from anomaly.run import save as learned

    _, cache, dataset = place
    augment, learner = build_learner(config, dataset.classes, cache)
    backbone = job.choices["backbone"] if "backbone" in learner.reads else None
    kind = naming.model_kind(config, backbone)
    tags |= {"role": "member", "kind": kind, "backbone": backbone or "none"}
    tags["identity"] = identity(config, dataset)
    tags["tells"] = " ".join(sorted(learner.tells))
    unread = [group for group in OPTIONAL if group not in learner.reads]
    with _start(config, place, tags, unread)(job.folder) as tracker:
        epochs = config.trainer.epochs + config.trainer.finetune.epochs
        report = pruning.watched(
            tracker.epoch, job.sweep, tags["identity"], config.objective, epochs
        )
        learner.fit(dataset.train, dataset.validate, config.trainer, report)
        predicted = {
            "val": learner.predict(dataset.validate.images, dataset.validate.grid),
            "test": learner.predict(dataset.test.images, dataset.test.grid),
        }
        scores = results.write(job.folder, dataset, predicted, config.evaluate, cache)
        learned.write(job.folder, learner, dataset, augment, cache)
        tracker.finish(results.metrics(scores))
    _conclude(config, job, place, tags, tracker.record.run_id, scores)
    return scores


def _combine(config: RunConfig, job: Job, place: Place, tags: dict[str, str]) -> dict[str, Scores]:
    """An ensemble, fitted on what its members predict of validate; no network is rebuilt."""
    from anomaly.run import evaluate as results
    from anomaly.run import members

    store, cache, dataset = place
    found = members.find(config.members, dataset, config.data["fold"], store)
    for member in found:
        log.info("member %s  %s", member.run_id, member.name)
    voices = [member.run_id for member in found]
    tags |= {"role": "ensemble", "kind": job.choices["ensemble"], "members": " ".join(voices)}
    tags["identity"] = identity(config, dataset, voices)
    with _start(config, place, tags)(job.folder) as tracker:
        combiner = instantiate(config.ensemble)()
        predicted = combined(combiner, found, dataset.validate.labels)
        scores = results.write(job.folder, dataset, predicted, config.evaluate, cache)
        tracker.finish(results.metrics(scores))
    _conclude(config, job, place, tags, tracker.record.run_id, scores)
    return scores


def pool(config: RunConfig, place: Place, folder: Path, tags: Mapping[str, str]) -> None:
    """The pooled result of all folds, where they finished and have none; `tags` are a fold's."""
    from anomaly.run import pooling

    start = _start(config, place, tags)
    pooling.pool(config, place.dataset, place.cache, folder, tags, place.store, start)


def combined(
    combiner: Combiner, members: Sequence[Member], labels: np.ndarray
) -> dict[str, Predictions]:
    """Predictions of val and test; `labels` (n,) are validate's, and test's are not to be had."""
    from anomaly.ensemble.fuse import fuse, probabilities

    validate, test = [m.validate for m in members], [m.test for m in members]
    own = combiner.fit(probabilities(validate), labels)
    other = combiner.combine(probabilities(test))
    weights = combiner.weights
    return {"val": fuse(validate, own, weights), "test": fuse(test, other, weights)}


def _start(
    config: RunConfig, place: Place, tags: Mapping[str, str], unread: Sequence[str] = ()
) -> Callable:
    """start(folder) begins a tracked run, named after what it is; it does not read some groups."""
    from anomaly.tracking import run as tracking

    name = f"{place.dataset.category}-{tags['kind']}"
    return partial(
        tracking.start,
        place.store,
        experiment=place.dataset.category,
        name=name,
        params=parameters(config, unread),
        tags=tags,
    )


def _conclude(
    config: RunConfig,
    job: Job,
    place: Place,
    tags: Mapping[str, str],
    run_id: str,
    scores: dict[str, Scores],
) -> None:
    """Say what came of it, and with the last fold also what came of all of them."""
    places = [("run", run_id), ("results", str(job.folder)), ("compare", _ui(place.store))]
    print_scores("Result, reported on the test part", scores, places)
    if place.dataset.folds_digest:
        pool(config, place, job.folder, tags)


def _ui(store: Store) -> str:
    """How to look at all runs: `make ui` opens one output folder, and that is not always this."""
    from anomaly.tracking.store import store_at

    if not store.uri.startswith("sqlite"):
        return store.uri
    command = shlex.join(["mlflow", "ui", "--backend-store-uri", store.uri])
    if store != store_at(store.output):
        return command
    output = store.output.resolve()
    usual = output == Path(__file__).resolve().parents[2] / "outputs"
    folder = "" if usual else " OUTPUT=" + shlex.quote(str(output))
    return f"make ui{folder} ({command})"
