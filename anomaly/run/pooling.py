"""Cross-validation as one result: every image tested once, by a model that never saw it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anomaly.cache.store import Cache
from anomaly.config.schema import RunConfig
from anomaly.data.truth import load_truth
from anomaly.metrics.catalogue import COUNT, metric
from anomaly.metrics.join import join
from anomaly.metrics.operating import DECISIONS
from anomaly.metrics.recorded import figures
from anomaly.metrics.score import score
from anomaly.run import evaluate as results
from anomaly.run.summary import print_scores
from anomaly.tracking.disk.predictions import write_predictions
from anomaly.tracking.find import finished_runs, predictions_of
from anomaly.types import FIELDS, Dataset, Predictions, Scores

if TYPE_CHECKING:
    from mlflow.entities import Run

    from anomaly.tracking.store import Store

log = logging.getLogger(__name__)


def pool(
    config: RunConfig,
    dataset: Dataset,
    cache: Cache,
    folder: Path,
    tags: Mapping[str, str],
    store: Store,
    start: Callable,
) -> None:
    """Once every fold has finished, score all their predictions together and record that.

    `start` begins a tracked run like that of a fold. Folds belong together when they carry the
    same `cross_validation` tag: same folds, same configuration. Pooled before, they stay as they are.
    """
    folds = _folds(config, dataset, tags, store)
    known = {"role": "pooled", "folds": " ".join(run.info.run_id for run in folds)}
    if not folds or finished_runs(store, dataset.category, known):
        return
    results_folder = folder / "pooled"
    results_folder.mkdir(parents=True, exist_ok=True)
    pooled_tags = {**tags, **known, "fold": "all", "of": tags["role"]}
    if "members" in tags:
        pooled_tags["members"] = " ".join(run.data.tags["members"] for run in folds)
    name = f"{dataset.category}-{tags['kind']}-{len(folds)}folds"
    with start(results_folder, name=name, tags=pooled_tags) as tracker:
        scores = {}
        for part in ("val", "test"):
            parts = [predictions_of(store, run, part) for run in folds]
            decided = decisions(folds, part)
            scores[part] = _score(results_folder, part, parts, decided, dataset, cache)
        results.write_scores(results_folder, scores)
        tracker.finish(figures(scores))
    places = [("run", tracker.record.run_id), ("results", str(results_folder))]
    print_scores(f"{len(folds)} folds pooled: each image tested once", scores, places)


def _folds(config: RunConfig, dataset: Dataset, tags: Mapping[str, str], store: Store) -> list[Run]:
    """The newest run of every fold, or none where some are still to come.

    With trainer.rerun, only the folds of this sweep count.
    """
    wanted = {"cross_validation": tags["cross_validation"], "role": tags["role"]}
    if config.trainer.rerun and "sweep" in tags:
        wanted["sweep"] = tags["sweep"]
    runs = finished_runs(store, dataset.category, wanted)
    newest = {int(run.data.tags["fold"]): run for run in reversed(runs)}
    count = int(config.data["folds"])
    if len(newest) < count:
        log.info(
            "%d of %d folds are done; the pooled result comes with the last", len(newest), count
        )
        return []
    return [newest[fold] for fold in range(count)]


def _score(
    folder: Path,
    part: str,
    parts: Sequence[Predictions],
    decided: Mapping[str, tuple[int, int]],
    dataset: Dataset,
    cache: Cache,
) -> Scores:
    predictions = concatenated(parts)
    write_predictions(results.predictions_file(folder, part), predictions)
    samples = {sample.id: sample for split in dataset.splits for sample in split}
    split = replace(dataset.test, samples=tuple(samples[id] for id in predictions.ids))
    joined = join(predictions, load_truth(split, dataset.classes))
    scores = score(joined, decided)
    results.write_pictures(folder, part, joined, scores, split, cache)
    return scores


def decisions(folds: Sequence[Run], part: str) -> dict[str, tuple[int, int]]:
    """{name: (hits, count)} over all folds, each with the thresholds of its validate part."""
    total: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for metrics in (run.data.metrics for run in folds):
        for name in DECISIONS:
            count = round(metrics.get(metric(part, name, COUNT), 0))
            hits = round(metrics.get(metric(part, name), 0) * count)
            total[name] = total[name][0] + hits, total[name][1] + count
    return {name: counts for name, counts in total.items() if counts[1]}


def concatenated(parts: Sequence[Predictions]) -> Predictions:
    """The predictions of several splits as one; a field that one of them lacks is absent."""
    ids = tuple(chain.from_iterable(part.ids for part in parts))
    return Predictions(ids, parts[0].classes, **{name: _column(parts, name) for name in FIELDS})


def _column(parts: Sequence[Predictions], name: str) -> Any:
    values = [getattr(part, name) for part in parts]
    if any(value is None for value in values):
        return None
    return tuple(chain(*values)) if name == "detections" else np.concatenate(values)
