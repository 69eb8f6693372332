"""What a run needs before it begins: the data set, split, a cache, and a tracking store that answers."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anomaly.cache.store import Cache
from anomaly.config.schema import RunConfig
from anomaly.config.suggest import suggest_name
from anomaly.errors import InputError
from anomaly.metrics.catalogue import TABLE, objectives, told_by
from anomaly.run.build import instantiate
from anomaly.run.identity import identity
from anomaly.types import Dataset

if TYPE_CHECKING:
    from anomaly.tracking.store import Store

log = logging.getLogger(__name__)
_DATASETS: dict[str, Dataset] = {}  # the last one read


class Place(NamedTuple):
    """Where a run takes place."""

    store: Store
    cache: Cache
    dataset: Dataset


def find(config: RunConfig) -> Place:
    """Read and split the data set, connect to the store: all that can fail before any training."""
    cache = Cache(Path(config.output) / "cache", config.cache.gigabytes)
    cache.trim()  # the limit may have been lowered, and a warm run writes nothing
    dataset = dataset_of(config)
    _announce(dataset)
    check_objective(config.objective, dataset.classes)
    from anomaly.tracking.store import store_of

    store = store_of(config)
    store.connect(dataset.category)
    return Place(store, cache, dataset)


def dataset_of(config: RunConfig) -> Dataset:
    """Read once by a process, however many jobs of a sweep share it."""
    key = json.dumps([config.data, config.output, config.cache.gigabytes], sort_keys=True)
    if key not in _DATASETS:
        cache = Cache(Path(config.output) / "cache", config.cache.gigabytes)
        _DATASETS.clear()  # the jobs of one data set follow each other
        _DATASETS[key] = instantiate(config.data)(cache=cache)
    return _DATASETS[key]


def identity_of(config: RunConfig) -> str:
    """The name of this run, by which an equal one that finished before is found."""
    dataset = dataset_of(config)
    check_objective(config.objective, dataset.classes)
    if not config.ensemble:
        return identity(config, dataset)
    from anomaly.run import members
    from anomaly.tracking.store import store_of

    runs = members.choose(config.members, dataset, config.data["fold"], store_of(config))
    return identity(config, dataset, [run.info.run_id for run in runs])


def check_objective(objective: str, classes: tuple[str, ...]) -> None:
    """Refuse a name that no run's scores hold, before hours of training rather than after.

    Raises:
        InputError: with the names that there are.
    """
    known = [f"val/{name}" for name in objectives(classes)]
    if objective not in known:
        raise InputError(
            f"objective={objective} is not a figure that a sweep can choose by"
            f"{suggest_name(objective, known)}"
        )


def check_told(objective: str, tells: Iterable[str]) -> None:
    """Refuse an objective that the chosen learner never has.

    Raises:
        InputError: naming one that it has.
    """
    if not told_by(objective, tells):
        known = next(f"val/{name}" for name in TABLE if told_by(name, tells))
        raise InputError(
            f"objective={objective} is not a figure of this model, which tells"
            f" {' and '.join(sorted(tells))}; give another, such as objective={known}"
        )


def _announce(dataset: Dataset) -> None:
    parts = ", ".join(f"{part.name} {len(part)}" for part in dataset.splits)
    log.info("%s: %s; classes %s", dataset.category, parts, ", ".join(dataset.classes))
    if dataset.copies:
        log.info("%d parts were photographed more than once (split.csv):", len(dataset.copies))
        for ids in dataset.copies.values():
            log.info("  %s", ", ".join(ids))
