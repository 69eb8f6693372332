"""Cross-validation as one result: every image tested once, by a model that never saw it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from anomaly import results
from anomaly.config import RunConfig, parameters
from anomaly.data.images import load_truth
from anomaly.summary import print_scores
from anomaly.tracking.find import finished_runs, predictions_of
from anomaly.types import Dataset, Predictions, Split

log = logging.getLogger(__name__)


def pool(
    config: RunConfig,
    dataset: Dataset,
    folder: Path,
    tags: Mapping[str, str],
    uri: str,
    start: Callable,
) -> None:
    """Once every fold has finished, score all their predictions together and record that.

    `start` begins a tracked run of the category. Folds belong together when they carry the
    same `cross_validation` tag: same folds, same configuration.
    """
    wanted = {"cross_validation": tags["cross_validation"], "role": "member"}
    runs = finished_runs(uri, Path(config.output), dataset.category, wanted)
    newest = {int(run.data.tags["fold"]): run for run in reversed(runs)}
    count = int(config.data["folds"])
    if len(newest) < count:
        log.info(
            "%d of %d folds are done; the pooled result comes with the last", len(newest), count
        )
        return
    folds = [newest[fold] for fold in range(count)]
    everything = tuple(sample for split in dataset.splits for sample in split)
    truth = load_truth(Split("test", everything, dataset.test.grid), dataset.classes)
    own = folder / "pooled"
    own.mkdir(parents=True, exist_ok=True)
    pooled_tags = {**tags, "role": "pooled", "fold": "all"}
    name = f"{dataset.category}-{tags['backbone']}-{count}folds"
    with start(own, name=name, params=parameters(config), tags=pooled_tags) as tracker:
        scores = {}
        for part in ("val", "test"):
            parts = [predictions_of(uri, Path(config.output), run, part) for run in folds]
            scores[part] = results.score_part(own, part, join(parts), truth)
        results.write_scores(own, scores)
        tracker.finish(results.metrics(scores))
    places = [("run", tracker.record.run_id), ("results", str(own))]
    title = f"{count} folds pooled: each of {len(everything)} images tested once"
    print_scores(title, scores, places)


def join(parts: list[Predictions]) -> Predictions:
    """The predictions of several splits as one."""
    return Predictions(
        ids=tuple(id for p in parts for id in p.ids),
        classes=parts[0].classes,
        proba=np.concatenate([p.proba for p in parts]),
        heat=np.concatenate([p.heat for p in parts]),
        segmentation=np.concatenate([p.segmentation for p in parts]),
        detections=tuple(d for p in parts for d in p.detections),
    )
