"""The files of a finished run: predictions, scores, the split, the model and the pictures."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anomaly.data.cache import Cache
from anomaly.data.images import load_images, load_truth
from anomaly.metrics.score import score
from anomaly.plots.confusion import confusion_matrix
from anomaly.plots.copies import copies
from anomaly.plots.curves import training_curves
from anomaly.plots.overlays import overlays
from anomaly.tracking.model import write_model
from anomaly.tracking.predictions import write_predictions
from anomaly.tracking.record import curves
from anomaly.types import Dataset, Predictions, Scores, Split, Truth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from anomaly.augment.policy import Policy
    from anomaly.model.learner import Learner

SHOWN = 4  # best and worst cases in the overlays
VERSIONS = 6  # of an image in the picture of the augmentation
OVERLAY = 256  # side of a pictured image, pixels


def write(
    folder: Path, dataset: Dataset, learner: Learner, augment: Policy, cache: Cache
) -> dict[str, Scores]:
    """Predict validate and test, score them, and leave everything in the run's folder."""
    write_split(folder / "split.csv", dataset)
    scores = {}
    for name, split in (("val", dataset.validate), ("test", dataset.test)):
        predictions, truth = learner.predict(split), load_truth(split, dataset.classes)
        scores[name] = score_part(folder, name, predictions, truth)
        for title, figure in _cases(name, split, predictions, truth, cache).items():
            save(folder, f"{name}_{title}", figure)
    write_scores(folder, scores)
    learner.save(write_model(folder / "model", learner.model, len(dataset.classes)))
    save(folder, "training_curves", training_curves(curves(folder), "training"))
    save(folder, "augmentation", _augmentation(dataset, augment, cache))
    return scores


def score_part(folder: Path, name: str, predictions: Predictions, truth: Truth) -> Scores:
    """Write the predictions of one part and its confusion matrix; returns its scores."""
    write_predictions(folder / "predictions" / f"{name}.npz", predictions)
    scores = score(predictions, truth)
    save(folder, f"{name}_confusion", confusion_matrix(scores.confusion, truth.classes, name))
    return scores


def metrics(scores: Mapping[str, Scores]) -> dict[str, float]:
    """{part/metric: value} for tracking; a share also has its _count, _low and _high."""
    out: dict[str, float] = {}
    for part, scored in scores.items():
        for key, value in scored.values.items():
            out[_tidy(f"{part}/{key}")] = float(value)
        for key, interval in scored.intervals.items():
            evidence = {"count": interval.total, "low": interval.low, "high": interval.high}
            out |= {_tidy(f"{part}/{key}_{what}"): float(v) for what, v in evidence.items()}
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
    """Write a figure to plots/<name>.png."""
    (folder / "plots").mkdir(exist_ok=True)
    figure.savefig(folder / "plots" / f"{name}.png")


def _tidy(name: str) -> str:
    return re.sub(r"[^\w\-. /]", "_", name)  # MLflow takes no other characters


def _cases(
    name: str, split: Split, predictions: Predictions, truth: Truth, cache: Cache
) -> dict[str, Figure]:
    """The best and the worst of the truly defective images, by class first, then by overlap."""
    defective = np.flatnonzero(truth.labels > 0)
    right = predictions.labels == truth.labels
    iou = _ious(predictions.segmentation, truth.masks)
    order = sorted(defective, key=lambda i: (right[i], iou[i]))
    wrong_good = [i for i in np.flatnonzero(~right) if truth.labels[i] == 0]
    worst, best = (wrong_good + order)[:SHOWN], order[::-1][:SHOWN]
    return {
        "worst": _overlays(f"{name}: worst cases", worst, split, predictions, truth, iou, cache),
        "best": _overlays(f"{name}: best cases", best, split, predictions, truth, iou, cache),
    }


def _overlays(title, chosen, split, predictions, truth, iou, cache) -> Figure:
    samples = [split.samples[i] for i in chosen]
    images = load_images(samples, split.grid, cache)
    captions = [
        f"{split.samples[i].id}: {truth.classes[truth.labels[i]]}, called"
        f" {truth.classes[predictions.labels[i]]} ({predictions.proba[i].max():.2f}),"
        f" IoU {iou[i]:.2f}"
        for i in chosen
    ]
    return overlays(images, predictions.heat[chosen], truth.masks[chosen], captions, title)


def _ious(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    both = (predicted & true).sum((1, 2), dtype=np.int64)
    either = (predicted | true).sum((1, 2), dtype=np.int64)
    return both / np.maximum(either, 1)


def _augmentation(dataset: Dataset, augment: Policy, cache: Cache) -> Figure:
    versions = augment.versions(dataset.train.labels)
    rows, captions = [], []
    for label, name in enumerate(dataset.classes):
        index = int(np.flatnonzero(dataset.train.labels == label)[0])
        sample, count = dataset.train.samples[index], int(versions[index])
        image = load_images([sample], OVERLAY, cache)[0]
        blank = np.zeros(image.shape[:2], bool)
        shown = range(min(count, VERSIONS))
        rows.append([augment.apply(image, blank, sample.id, k)[0] for k in shown])
        captions.append(f"{name}: {sample.id}, {count} versions in training")
    return copies(rows, captions, "augmentation of the train part")
