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
from anomaly.config.paths import CONF, INSTALLED
from anomaly.config.schema import RunConfig
from anomaly.metrics.recorded import scores_of
from anomaly.run import tags as naming
from anomaly.run.build import build_learner, instantiate
from anomaly.run.identity import identity
from anomaly.run.prepare import Place, check_told, find
from anomaly.run.summary import print_scores
from anomaly.runtime.import_keras import import_keras
from anomaly.types import Predictions, Scores, Split

if TYPE_CHECKING:
    from anomaly.ensemble.combiner import Combiner
    from anomaly.model.learner import Learner
    from anomaly.run.members import Member
    from anomaly.tracking.store import Store

log = logging.getLogger(__name__)
OPTIONAL = ("backbone", "augment", "optimizer", "trainer")  # what a learner may or may not read


def run(config: RunConfig, job: Job) -> float:
    """Train or combine, score and record; returns the sweep's objective.

    Raises:
        InputError: something the user can correct; nothing computed by then is lost.
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
    from anomaly.run import bundle, evaluate, pruning, refit, save

    store, cache, dataset = place
    evidence = refit.evidence(config.refit, store, dataset) if config.refit else None
    dataset = refit.everything(dataset) if evidence else dataset
    policy, learner = build_learner(config, dataset.classes, cache)
    check_told(config.objective, learner.tells)
    backbone = job.choices["backbone"] if "backbone" in learner.reads else None
    kind = naming.model_kind(config, backbone)
    role = "refit" if evidence else "member"
    tags |= {"role": role, "kind": kind, "backbone": backbone or "none"}
    tags["identity"] = identity(config, dataset)
    tags["tells"] = " ".join(sorted(learner.tells))
    unread = [group for group in OPTIONAL if group not in learner.reads]
    with _start(config, place, tags, unread)(job.folder) as tracker:
        epochs = config.trainer.epochs + config.trainer.finetune.epochs
        report = pruning.watched(
            tracker.epoch, job.sweep, tags["identity"], config.objective, epochs
        )
        learner.fit(dataset.train, dataset.validate, config.trainer, report)
        predicted = {"val": _predict(learner, dataset.validate)}
        if not evidence:
            predicted["test"] = _predict(learner, dataset.test)
        evaluation = evaluate.measure(dataset, predicted, config.evaluate)
        evaluate.write(job.folder, dataset, evaluation, cache)
        save.write(job.folder, learner, dataset, policy, cache)
        about = bundle.about(
            naming.learner_kind(config), dataset, tracker.record, evaluation, evidence
        )
        # Last: once a model is saved, its checkpoints are gone.
        bundle.write(job.folder, about, learner.save, has_network=learner.model is not None)
        tracker.finish(about.figures)
    scores = {part: scores_of(about.figures, part) for part in ("val", "test")}
    _conclude(config, job, place, tags, tracker.record.run_id, scores)
    return scores


def _predict(learner: Learner, split: Split) -> Predictions:
    log.info("predicting %s: %d images", split.name, len(split))
    return learner.predict(split.images, split.grid)


def _combine(config: RunConfig, job: Job, place: Place, tags: dict[str, str]) -> dict[str, Scores]:
    """An ensemble, fitted on what its members predict of validate; no network is rebuilt."""
    from anomaly.run import bundle, evaluate, members

    store, cache, dataset = place
    chosen = members.find(config.members, dataset, config.data["fold"], store)
    for member in chosen:
        log.info("member %s  %s", member.run_id, member.name)
    run_ids = [member.run_id for member in chosen]
    tags |= {"role": "ensemble", "kind": job.choices["ensemble"], "members": " ".join(run_ids)}
    tags["identity"] = identity(config, dataset, run_ids)
    with _start(config, place, tags)(job.folder) as tracker:
        combiner = instantiate(config.ensemble)()
        predicted = combined(combiner, chosen, dataset.validate.labels)
        evaluation = evaluate.measure(dataset, predicted, config.evaluate)
        evaluate.write(job.folder, dataset, evaluation, cache)
        about = bundle.about(tags["kind"], dataset, tracker.record, evaluation)
        bundle.write(job.folder, about, bundle.save_team(store, run_ids, combiner))
        tracker.finish(about.figures)
    _conclude(config, job, place, tags, tracker.record.run_id, evaluation.scores)
    return evaluation.scores


def pool(config: RunConfig, place: Place, folder: Path, tags: Mapping[str, str]) -> None:
    """The pooled result of all folds, where they finished and have none; `tags` are a fold's."""
    from anomaly.run import pooling

    start = _start(config, place, tags)
    pooling.pool(config, place.dataset, place.cache, folder, tags, place.store, start)


def combined(
    combiner: Combiner, members: Sequence[Member], labels: np.ndarray
) -> dict[str, Predictions]:
    """Predictions of val and test; `labels` (n,) are those of validate, the only ones to learn from."""
    from anomaly.ensemble.fuse import fuse, probabilities

    validate, test = [m.validate for m in members], [m.test for m in members]
    of_validate = combiner.fit(probabilities(validate), labels)
    of_test = combiner.combine(probabilities(test))
    weights = combiner.weights
    return {"val": fuse(validate, of_validate, weights), "test": fuse(test, of_test, weights)}


def _start(
    config: RunConfig, place: Place, tags: Mapping[str, str], unread: Sequence[str] = ()
) -> Callable:
    """A function of a folder that begins a tracked run; parameters of `unread` groups are left out."""
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
    """Print the result; after the last fold of a cross-validation, the pooled result as well."""
    places = [("run", run_id), ("results", str(job.folder)), ("compare", _ui(place.store))]
    part = f"the test part of run {config.refit}" if config.refit else "the test part"
    print_scores(f"Result, reported on {part}", scores, places)
    if place.dataset.folds_digest:
        pool(config, place, job.folder, tags)


def _ui(store: Store) -> str:
    """The command that shows all runs: `make ui` in a clone, `anomaly ui` of the package."""
    from anomaly.tracking.store import store_at

    if not store.uri.startswith("sqlite"):
        return store.uri
    command = shlex.join(["mlflow", "ui", "--backend-store-uri", store.uri])
    if store != store_at(store.output):
        return command
    output = store.output.resolve()
    if CONF == INSTALLED:
        return shlex.join(["anomaly", "ui", "--output", str(output)])
    usual = output == Path(__file__).resolve().parents[2] / "outputs"
    folder = "" if usual else " OUTPUT=" + shlex.quote(str(output))
    return f"make ui{folder} ({command})"
