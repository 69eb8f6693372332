"""The files of a finished run: predictions, scores, the split and the pictures."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anomaly.cache.store import Cache
from anomaly.config.schema import EvaluateConfig
from anomaly.data.truth import load_truth
from anomaly.metrics import operating
from anomaly.metrics.average_precision import precision_recall
from anomaly.metrics.calibration import reliability
from anomaly.metrics.join import Joined, join
from anomaly.metrics.operating import OperatingPoint
from anomaly.metrics.recorded import figures
from anomaly.metrics.score import Counts, score
from anomaly.plots.confusion import confusion_matrix
from anomaly.plots.precision_recall import precision_recall_curves
from anomaly.plots.reliability import reliability_diagram
from anomaly.run.cases import cases
from anomaly.runtime.files import replacing, write_text
from anomaly.tracking.disk.predictions import write_predictions
from anomaly.types import Dataset, Predictions, Scores, Split

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Evaluation(NamedTuple):
    """What a run found out about its model."""

    scores: dict[str, Scores]  # of val and test
    point: OperatingPoint | None  # None of a model that gives no probabilities
    judged: dict[str, Joined]  # val and test, calibrated


def write(
    folder: Path,
    dataset: Dataset,
    predicted: Mapping[str, Predictions],
    evaluate: EvaluateConfig,
    cache: Cache,
) -> Evaluation:
    """Score what was `predicted` of val and test, and leave it with its pictures in the folder.

    A refitted model has no test part. Temperature and thresholds are chosen on validate; the probabilities written are calibrated.
    """
    write_split(folder / "split.csv", dataset)
    parts = {"val": dataset.validate, "test": dataset.test}
    splits = {name: split for name, split in parts.items() if name in predicted}
    raw = {
        name: join(predicted[name], load_truth(split, dataset.classes))
        for name, split in splits.items()
    }
    point = operating.choose(raw["val"], **asdict(evaluate))
    if point:
        write_text(folder / "operating_point.json", json.dumps(asdict(point), indent=2))
    scores, calibrated = {}, {}
    for name, split in splits.items():
        calibrated[name], decided = _decided(raw[name], point)
        write_predictions(predictions_file(folder, name), calibrated[name].predictions)
        scores[name] = write_part(folder, name, calibrated[name], decided, split, cache)
    write_scores(folder, scores)
    return Evaluation(scores, point, calibrated)


def _decided(raw: Joined, point: OperatingPoint | None) -> tuple[Joined, Counts]:
    """The predictions at an operating point, and the shares that it leads to."""
    if point is None:
        return raw, {}
    joined = replace(raw, predictions=operating.calibrated(raw.predictions, point))
    return joined, operating.decisions(joined, point)


def predictions_file(folder: Path, part: str) -> Path:
    """Where a run keeps what it predicted of a part (val or test)."""
    return folder / "predictions" / f"{part}.npz"


def write_part(
    folder: Path, name: str, joined: Joined, decided: Counts, split: Split, cache: Cache
) -> Scores:
    """The pictures of one part; returns its scores."""
    scores = score(joined, decided)
    for title, figure in _pictures(name, joined, scores, split, cache):
        save(folder, f"{name}_{title}", figure)
    return scores


def _pictures(
    name: str, joined: Joined, scores: Scores, split: Split, cache: Cache
) -> Iterator[tuple[str, Figure]]:
    """Those of what the predictions hold."""
    predictions, truth = joined.predictions, joined.truth
    if predictions.proba is not None and scores.confusion is not None:
        yield "confusion", confusion_matrix(scores.confusion, truth.classes, name)
        bins = reliability(predictions.proba, truth.labels)
        yield "reliability", reliability_diagram(*bins, scores.values["ece"], name)
    if predictions.detections is not None:
        curves = precision_recall(joined.judged)
        yield "precision_recall", precision_recall_curves(curves, name)
    yield from cases(name, split, joined, cache).items()


def write_scores(folder: Path, scores: Mapping[str, Scores]) -> None:
    """scores.json: every metric, for people and programs without MLflow."""
    write_text(folder / "scores.json", json.dumps(figures(scores), indent=2))


def write_split(path: Path, dataset: Dataset) -> None:
    """split.csv: id, class, part and group; images of one group show the same physical part."""
    with replacing(path) as aside, aside.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "class", "part", "group", "images_of_group"))
        for part in dataset.splits:
            for s in part:
                size = len(dataset.copies.get(s.group, [s]))
                writer.writerow((s.id, dataset.classes[s.label], part.name, s.group, size))


def save(folder: Path, name: str, figure: Figure) -> None:
    """Write a figure to plots/<name>.png, packed lightly: packing well takes as long as drawing."""
    (folder / "plots").mkdir(exist_ok=True)
    with replacing(folder / "plots" / f"{name}.png") as aside:
        figure.savefig(aside, format="png", pil_kwargs={"compress_level": 1})
