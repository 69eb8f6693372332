"""The files of a finished run: predictions, scores, the split and the pictures."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from anomaly.cache.store import Cache
from anomaly.config.schema import EvaluateConfig
from anomaly.data.images import load_truth
from anomaly.metrics import operating
from anomaly.metrics.average_precision import precision_recall
from anomaly.metrics.calibration import reliability
from anomaly.metrics.score import Counts, score
from anomaly.plots.confusion import confusion_matrix
from anomaly.plots.precision_recall import precision_recall_curves
from anomaly.plots.reliability import reliability_diagram
from anomaly.run.cases import cases
from anomaly.tracking.predictions import write_predictions
from anomaly.types import Dataset, Predictions, Scores, Split, Truth, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write(
    folder: Path,
    dataset: Dataset,
    predicted: Mapping[str, Predictions],
    evaluate: EvaluateConfig,
    cache: Cache,
) -> dict[str, Scores]:
    """Score what was `predicted` of val and test, and leave it with its pictures in the folder.

    Temperature and thresholds are chosen on validate; the probabilities written are calibrated.
    """
    write_split(folder / "split.csv", dataset)
    splits = {"val": dataset.validate, "test": dataset.test}
    truths = {name: load_truth(split, dataset.classes) for name, split in splits.items()}
    point = operating.choose(predicted["val"], truths["val"], **asdict(evaluate))
    (folder / "operating_point.json").write_text(json.dumps(asdict(point), indent=2))
    scores = {}
    for name, split in splits.items():
        predictions = operating.calibrated(predicted[name], point)
        decided = operating.decisions(predictions, truths[name], point)
        scores[name] = write_part(folder, name, predictions, truths[name], decided, split, cache)
    write_scores(folder, scores)
    return scores


def write_part(
    folder: Path,
    name: str,
    predictions: Predictions,
    truth: Truth,
    decided: Counts,
    split: Split,
    cache: Cache,
) -> Scores:
    """The predictions of one part and the pictures that go with them; returns its scores."""
    write_predictions(folder / "predictions" / f"{name}.npz", predictions)
    scores = score(predictions, truth, decided)
    save(folder, f"{name}_confusion", confusion_matrix(scores.confusion, truth.classes, name))
    bins = reliability(predictions.proba, truth.labels)
    save(folder, f"{name}_reliability", reliability_diagram(*bins, scores.values["ece"], name))
    curves = precision_recall(truth, predictions.detections)
    save(folder, f"{name}_precision_recall", precision_recall_curves(curves, name))
    for title, figure in cases(name, split, predictions, truth, cache).items():
        save(folder, f"{name}_{title}", figure)
    return scores


def metrics(scores: Mapping[str, Scores]) -> dict[str, float]:
    """{part/metric: value} for tracking, its interval as _low and _high, a share's _count."""
    out: dict[str, float] = {}
    for part, scored in scores.items():
        for key, value in scored.values.items():
            out[tidy(f"{part}/{key}")] = float(value)
        for key, interval in scored.intervals.items():
            evidence = {"count": interval.total, "low": interval.low, "high": interval.high}
            out |= {tidy(f"{part}/{key}_{what}"): float(v) for what, v in evidence.items()}
        for key, spread in scored.spreads.items():
            out |= {tidy(f"{part}/{key}_{end}"): v for end, v in spread._asdict().items()}
    return out


def write_scores(folder: Path, scores: Mapping[str, Scores]) -> None:
    """scores.json: every metric, for people and programs without MLflow."""
    (folder / "scores.json").write_text(json.dumps(metrics(scores), indent=2))


def write_split(path: Path, dataset: Dataset) -> None:
    """split.csv: id, class, part and group; images of one group show the same physical part."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "class", "part", "group", "images_of_group"))
        for part in dataset.splits:
            for s in part:
                size = len(dataset.copies.get(s.group, [s]))
                writer.writerow((s.id, dataset.classes[s.label], part.name, s.group, size))


def save(folder: Path, name: str, figure: Figure) -> None:
    """Write a figure to plots/<name>.png, packed lightly: packing well takes as long as drawing."""
    (folder / "plots").mkdir(exist_ok=True)
    figure.savefig(folder / "plots" / f"{name}.png", pil_kwargs={"compress_level": 1})
