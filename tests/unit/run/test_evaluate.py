"""What a run leaves of its predictions: files, figures and pictures of what they hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anomaly.config.schema import EvaluateConfig
from anomaly.data.truth import load_truth
from anomaly.masks.boxes import boxes_of
from anomaly.masks.components import masks_of
from anomaly.metrics.catalogue import figure
from anomaly.metrics.recorded import figures
from anomaly.run.evaluate import measure, write
from anomaly.tracking.disk.predictions import read_predictions
from anomaly.types import Dataset, Detections, Predictions, Split

EVALUATE = EvaluateConfig(calibrate=True, max_escape_rate=0.0, reject_below=0.9)
PICTURES = {"confusion", "reliability", "precision_recall", "best", "worst"}


def predictions(split: Split, classes: tuple[str, ...]) -> Predictions:
    """What is true, named with little certainty."""
    truth = load_truth(split, classes)
    found = []
    for label, instances in zip(truth.labels, truth.instances, strict=True):
        masks = masks_of(instances)
        sure = np.full(len(masks), 0.8, np.float32)
        found.append(Detections(boxes_of(masks), masks, sure, np.full(len(masks), label)))
    rest = 1 / len(classes)
    return Predictions(
        truth.ids,
        classes,
        0.5 * np.eye(len(classes))[truth.labels] + 0.5 * rest,
        truth.masks.astype(np.float32),
        truth.masks,
        tuple(found),
        (truth.labels > 0).astype(np.float32),
    )


def written(folder: Path, dataset: Dataset, store, absent: tuple[str, ...] = ()):
    """The scores, and the files of a run whose predictions lack some fields."""
    lacking = dict.fromkeys(absent)
    predicted = {
        name: replace(predictions(split, dataset.classes), **lacking)
        for name, split in (("val", dataset.validate), ("test", dataset.test))
    }
    evaluation = measure(dataset, predicted, EVALUATE)
    write(folder, dataset, evaluation, store)
    return evaluation.scores


def pictures(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("plots/*.png")}


def test_a_run_leaves_a_file_for_everything_that_is_told(demo, store, tmp_path):
    scores = written(tmp_path, demo, store)
    assert json.loads((tmp_path / "scores.json").read_text()) == figures(scores)
    assert (tmp_path / "operating_point.json").exists() and (tmp_path / "split.csv").exists()
    assert pictures(tmp_path) == {f"{part}_{what}" for part in ("val", "test") for what in PICTURES}
    read = read_predictions(tmp_path / "predictions" / "test.npz")
    assert read.ids == demo.test.ids
    assert scores["test"].values["accuracy"] == 1


@pytest.mark.parametrize(
    "absent, left",
    [
        (("proba",), {"precision_recall"}),
        (("heat",), PICTURES - {"best", "worst"}),
        (("segmentation", "detections"), {"confusion", "reliability"}),
        (("proba", "heat", "segmentation", "detections"), set()),
    ],
    ids=["classes", "heat", "pixels and instances", "all but the score"],
)
def test_what_is_not_told_is_neither_scored_nor_drawn(absent, left, demo, store, tmp_path):
    scores = written(tmp_path, demo, store, absent)
    assert pictures(tmp_path) == {f"{part}_{what}" for part in ("val", "test") for what in left}
    for name in scores["test"].values:
        assert set(figure(name).needs) - set(absent)
    assert "auroc" in scores["test"].values  # by the score
    assert (tmp_path / "operating_point.json").exists() == ("proba" not in absent)
    read = read_predictions(tmp_path / "predictions" / "val.npz")
    assert all(getattr(read, field) is None for field in absent)
