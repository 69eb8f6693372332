"""The default run on MVTec's bottle, with lower bounds for its metrics.

It is small and short enough for CI; experiments/bottle_classifiers has the full results.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SHARED = REPOSITORY.parent / "shared"
DATA = Path(os.environ.get("ANOMALY_DATA", SHARED / "data"))
KERAS_HOME = Path(os.environ.get("KERAS_HOME", SHARED / "keras"))
COMMAND = [
    *("model=mobilenetv2", "model.image_size=160", "model.views=1", "trainer.epochs=20"),
    *("augment.factor=4", "augment.good_factor=1"),  # most of the time goes into features
]

pytestmark = [
    pytest.mark.real,
    # MVTec AD's licence keeps its images out of the repository, and weights are large.
    pytest.mark.skipif(
        not (DATA / "bottle" / "train").is_dir(),
        reason="no MVTec bottle below ANOMALY_DATA or ../shared/data",
    ),
    pytest.mark.skipif(
        not list(KERAS_HOME.glob("models/mobilenet_v2*")),
        reason="no MobileNetV2 weights below KERAS_HOME or ../shared/keras",
    ),
]


@pytest.fixture(scope="module")
def scores(tmp_path_factory) -> dict[str, float]:
    """All metrics of a run on bottle."""
    output = tmp_path_factory.mktemp("bottle")
    subprocess.run(
        [
            sys.executable,
            "train.py",
            f"data.root={DATA}",
            "data.category=bottle",
            f"output={output}",
            *COMMAND,
        ],
        cwd=REPOSITORY,
        env=os.environ | {"KERAS_HOME": str(KERAS_HOME)},
        check=True,
    )
    (file,) = output.glob("runs/*/scores.json")
    return json.loads(file.read_text())


@pytest.mark.parametrize(
    ("metric", "bound"),
    [("accuracy", 0.86), ("defect_accuracy", 0.5), ("auroc", 0.97), ("iou", 0.2)],
)
def test_a_small_model_reaches_the_lower_bound(metric, bound, scores):
    assert scores[f"test/{metric}"] >= bound


def test_accuracy_has_a_count_and_an_interval(scores):
    assert scores["test/accuracy_count"] >= 40
    assert scores["test/accuracy_low"] <= scores["test/accuracy"] <= scores["test/accuracy_high"]
