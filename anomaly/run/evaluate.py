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


def measure(
    dataset: Dataset, predicted: Mapping[str, Predictions], evaluate: EvaluateConfig
) -> Evaluation:
    """Choose temperature and thresholds on validate, and score what was `predicted` of val and test.

    A refitted model has no test part.
    """
    parts = {"val": dataset.validate, "test": dataset.test}
    raw = {
        name: join(predicted[name], load_truth(split, dataset.classes))
        for name, split in parts.items()
        if name in predicted
    }
    point = operating.choose(raw["val"], **asdict(evaluate))
    decided = {name: _decided(joined, point) for name, joined in raw.items()}
    scores = {name: score(*each) for name, each in decided.items()}
    return Evaluation(scores, point, {name: joined for name, (joined, _) in decided.items()})


def write(folder: Path, dataset: Dataset, evaluation: Evaluation, cache: Cache) -> None:
    """Leave what was found out, with its pictures, in the folder; probabilities are calibrated."""
    write_split(folder / "split.csv", dataset)
    if evaluation.point:
        content = json.dumps(asdict(evaluation.point), indent=2)
        write_text(folder / "operating_point.json", content)
    parts = {"val": dataset.validate, "test": dataset.test}
    for name, joined in evaluation.judged.items():
        write_predictions(predictions_file(folder, name), joined.predictions)
        write_pictures(folder, name, joined, evaluation.scores[name], parts[name], cache)
    write_scores(folder, evaluation.scores)


def _decided(raw: Joined, point: OperatingPoint | None) -> tuple[Joined, Counts]:
    """The predictions at an operating point, and the shares that it leads to."""
    if point is None:
        return raw, {}
    joined = replace(raw, predictions=operating.calibrated(raw.predictions, point))
    return joined, operating.decisions(joined, point)


def predictions_file(folder: Path, part: str) -> Path:
    """Where a run keeps what it predicted of a part (val or test)."""
    return folder / "predictions" / f"{part}.npz"


def write_pictures(
    folder: Path, name: str, joined: Joined, scores: Scores, split: Split, cache: Cache
) -> None:
    """Those of one part."""
    for title, figure in _pictures(name, joined, scores, split, cache):
        save(folder, f"{name}_{title}", figure)


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
