"""What one run does, top to bottom."""

from __future__ import annotations

import json
import logging
import shlex
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from hydra.utils import instantiate as hydra_instantiate

from anomaly import idle, naming, quiet
from anomaly.config import Job, parameters
from anomaly.data.cache import Cache
from anomaly.identity import identity
from anomaly.schema import RunConfig
from anomaly.summary import ROWS, print_scores
from anomaly.types import GOOD, Dataset, InputError, Predictions, Scores

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy
    from anomaly.ensemble.combiner import Combiner
    from anomaly.members import Member
    from anomaly.model.learner import Learner

instantiate = partial(hydra_instantiate, _convert_="all")  # plain lists, not OmegaConf's
log = logging.getLogger(__name__)
_DATASETS: dict[str, Dataset] = {}


class Place(NamedTuple):
    """What a run finds before it begins."""

    output: Path
    cache: Cache
    dataset: Dataset
    uri: str  # of the tracking store


def run(config: RunConfig, job: Job) -> float:
    """Train or combine, score and record; returns the sweep's objective.

    Raises:
        InputError: something the user can mend; nothing computed by then is lost.
    """
    idle.refuse(config, job)
    place = _place(config)
    try:
        tags = naming.tags(config, job, place.dataset)
        work = _combine if config.ensemble else _train
        scores = work(config, job, place, tags)
    finally:
        place.cache.trim()  # other processes have written as well
    return scores["val"].values[config.objective.removeprefix("val/")]


def _place(config: RunConfig) -> Place:
    """The data set split, and a store that answers: all that can fail before any training."""
    output = Path(config.output)
    cache = Cache(output / "cache", config.cache.gigabytes)
    cache.trim()  # the limit may have been lowered, and a warm run writes nothing
    dataset = _dataset(config)
    _announce(dataset)
    _check_objective(config.objective, dataset.classes)
    from anomaly.tracking import store

    uri = store.store_uri(config.tracking, output)
    store.connect(uri, output, dataset.category)
    return Place(output, cache, dataset, uri)


def _dataset(config: RunConfig) -> Dataset:
    """Read once by a process, however many jobs of a sweep share it."""
    key = json.dumps([config.data, config.output, config.cache.gigabytes], sort_keys=True)
    if key not in _DATASETS:
        cache = Cache(Path(config.output) / "cache", config.cache.gigabytes)
        _DATASETS.clear()  # the jobs of one data set follow each other
        _DATASETS[key] = instantiate(config.data)(cache=cache)
    return _DATASETS[key]


def store_of(config: RunConfig) -> tuple[str, str]:
    """The experiment and the tracking store of a run, without beginning it."""
    from anomaly.tracking import store

    return _dataset(config).category, store.store_uri(config.tracking, Path(config.output))


def identity_of(config: RunConfig) -> str:
    """The name under which this run, or an earlier one like it, is found."""
    dataset = _dataset(config)
    _check_objective(config.objective, dataset.classes)
    if not config.ensemble:
        return identity(config, dataset)
    from anomaly import members

    _, uri = store_of(config)
    own = members.choose(config.members, dataset, config.data["fold"], uri, Path(config.output))
    return identity(config, dataset, [run.info.run_id for run in own])


def _train(config: RunConfig, job: Job, place: Place, tags: dict[str, str]) -> dict[str, Scores]:
    """One model, from its backbone to its predictions."""
    quiet.import_keras()  # seconds of imports, after everything that can fail at once
    from anomaly import learned, results

    _, cache, dataset, _ = place
    augment, learner = _slots(config, dataset, cache)
    backbone = job.choices["backbone"] if learner.has_backbone else None
    kind = naming.model_kind(config, backbone)
    tags |= {"role": "member", "kind": kind, "backbone": backbone or "none"}
    tags["identity"] = identity(config, dataset)
    unread = () if learner.has_backbone else ("backbone", "optimizer", "trainer")
    with _start(config, place, tags, unread)(job.folder) as tracker:
        learner.fit(dataset.train, dataset.validate, config.trainer, tracker.epoch)
        predicted = {
            "val": learner.predict(dataset.validate),
            "test": learner.predict(dataset.test),
        }
        scores = results.write(job.folder, dataset, predicted, config.evaluate, cache)
        learned.write(job.folder, learner, dataset, augment, cache)
        tracker.finish(results.metrics(scores))
    _conclude(config, job, place, tags, tracker.record.run_id, scores)
    return scores


def _combine(config: RunConfig, job: Job, place: Place, tags: dict[str, str]) -> dict[str, Scores]:
    """An ensemble, fitted on what its members predict of validate; no network is rebuilt."""
    from anomaly import members, results

    output, cache, dataset, uri = place
    found = members.find(config.members, dataset, config.data["fold"], uri, output)
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


def combined(
    combiner: Combiner, members: Sequence[Member], labels: np.ndarray
) -> dict[str, Predictions]:
    """Predictions of val and test; `labels` (n,) are validate's, and test's are not to be had."""
    from anomaly.fusion import fuse

    validate, test = [m.validate for m in members], [m.test for m in members]
    own = combiner.fit(np.stack([p.proba for p in validate]), labels)
    other = combiner.combine(np.stack([p.proba for p in test]))
    weights = combiner.weights
    return {"val": fuse(validate, own, weights), "test": fuse(test, other, weights)}


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
    absent = {f"ap.{GOOD}", "kept_accuracy"}  # the last where nothing is kept
    known = [f"val/{name}" for name in (*ROWS, *of_classes) if name not in absent]
    if objective not in known:
        near = get_close_matches(objective, known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(
            f"objective={objective} is not a figure of a run that sweeps can choose by{hint}"
            f" (one of: {', '.join(known)})"
        )


def _slots(config: RunConfig, dataset: Dataset, cache: Cache) -> tuple[Policy, Learner]:
    import keras

    from anomaly.model.distribution import check, over_devices

    check(config.trainer)
    keras.utils.clear_session()  # the networks of a sweep's jobs would pile up
    keras.utils.set_random_seed(config.seed)
    keras.mixed_precision.set_global_policy(config.trainer.precision)
    augment = instantiate(config.augment)(seed=config.seed)
    with over_devices(config.trainer.distribution):
        learner = instantiate(config.model)(
            backbone=instantiate(config.backbone),
            classes=dataset.classes,
            augment=augment,
            optimizer=instantiate(config.optimizer),
            cache=cache,
            seed=config.seed,
        )
    return augment, learner


def _start(
    config: RunConfig, place: Place, tags: Mapping[str, str], unread: Sequence[str] = ()
) -> Callable:
    """start(folder) begins a tracked run, named after what it is; it does not read some groups."""
    from anomaly.tracking import run as tracking

    name = f"{place.dataset.category}-{tags['kind']}"
    return partial(
        tracking.start,
        place.uri,
        place.output,
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
    from anomaly import pooling

    uri = place.uri
    places = [("run", run_id), ("results", str(job.folder)), ("compare", _ui(uri, place.output))]
    print_scores("Result, reported on the test part", scores, places)
    if place.dataset.folds_digest:
        start = _start(config, place, tags)
        pooling.pool(config, place.dataset, place.cache, job.folder, tags, uri, start)


def _ui(uri: str, output: Path) -> str:
    """How to look at all runs: `make ui` opens one output folder, and that is not always this."""
    if not uri.startswith("sqlite"):
        return uri
    command = shlex.join(["mlflow", "ui", "--backend-store-uri", uri])
    from anomaly.tracking.store import sqlite_file

    if sqlite_file(uri) != (output / "mlflow.db").resolve():
        return command
    usual = output.resolve() == Path(__file__).resolve().parents[1] / "outputs"
    folder = "" if usual else " OUTPUT=" + shlex.quote(str(output.resolve()))
    return f"make ui{folder} ({command})"
