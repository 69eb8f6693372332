"""A learner is one Python file and one YAML: nothing else knows it, and every battery finds it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("anomaly", "conf", "hydra_plugins", "tests", "pyproject.toml", "train.py")
YAML = """# Names the class whose mean picture is nearest.
_target_: anomaly.model.nearest_mean.build
_partial_: true
image_size: 32
"""
PYTHON = '''"""Names the class whose mean picture is nearest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import softmax

from anomaly.cache.store import Cache
from anomaly.config.ranges import Side
from anomaly.config.schema import TrainerConfig
from anomaly.data.images import load_images
from anomaly.model.learner import Report
from anomaly.types import Image, Predictions, Split


def build(*, classes: tuple[str, ...], cache: Cache, image_size: Side) -> NearestMean:
    """A learner that knows no mean yet."""
    return NearestMean(classes, cache, image_size)


class NearestMean:
    """A learner; distances of pictures to the means of the classes are its evidence."""

    reads: frozenset[str] = frozenset()
    tells = frozenset({"types", "score"})
    augments_each_epoch = False
    model = None

    def __init__(self, classes: tuple[str, ...], cache: Cache, size: int) -> None:
        self.classes, self.cache, self.size = classes, cache, size
        self.means = np.zeros((len(classes), size, size, 3))

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Learn the means."""
        pictures = load_images(train.images, self.size, self.cache)
        for label in range(len(self.classes)):
            self.means[label] = pictures[train.labels == label].mean(0)

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """See `Learner`."""
        pictures = load_images(images, self.size, self.cache).astype(np.float64)
        distances = np.abs(pictures[:, None] - self.means).mean((2, 3, 4))
        proba = softmax(-distances, axis=1)
        score = (1 - proba[:, 0]).astype(np.float32)
        ids = tuple(image.id for image in images)
        return Predictions(ids, self.classes, proba=proba, score=score)

    def save(self, folder: Path) -> None:
        """nearest_mean.json."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {"classes": self.classes, "size": self.size, "means": self.means.tolist()}
        (folder / "nearest_mean.json").write_text(json.dumps(content))


def load(folder: Path, cache: Cache) -> NearestMean:
    """What `save` wrote."""
    content = json.loads((folder / "nearest_mean.json").read_text())
    learner = NearestMean(tuple(content["classes"]), cache, content["size"])
    learner.means = np.array(content["means"])
    return learner
'''


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of the project with one learner more."""
    root = tmp_path_factory.mktemp("tree")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, root / part)
    (root / "anomaly/model/nearest_mean.py").write_text(PYTHON)
    (root / "conf/model/nearest_mean.yaml").write_text(YAML)
    return root


def run(tree: Path, *words: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    options = {"cwd": tree, "env": environment, "capture_output": True, "text": True}
    return subprocess.run([sys.executable, *words], check=False, **options)


def test_a_learner_of_one_file_and_one_yaml_passes_every_battery(tree, tmp_path):
    laws = ("contract/test_model_contract.py", "conf/test_conf_files.py", "conf/test_imports.py")
    batteries = [f"tests/{law}" for law in laws]
    options = ("-q", "-k", "nearest_mean", f"--basetemp={tmp_path / 'pytest'}")
    done = run(tree, "-m", "pytest", *options, *batteries)
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 15


def test_it_trains_and_is_scored_by_what_it_tells(tree, tmp_path):
    parts = ("data=demo", "data.images=3", "data.side=64", "data.grid=64", f"output={tmp_path}")
    done = run(tree, "train.py", "model=nearest_mean", *parts, f"hydra.run.dir={tmp_path / 'run'}")
    assert done.returncode == 0, done.stderr
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert "test/accuracy" in scores and "test/auroc" in scores
    assert "test/iou" not in scores and "test/map" not in scores


def test_an_objective_that_it_does_not_tell_is_refused_before_training(tree, tmp_path):
    parts = ("data=demo", "data.images=3", "data.side=64", "data.grid=64", f"output={tmp_path}")
    done = run(tree, "train.py", "model=nearest_mean", *parts, "objective=val/iou")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: objective=val/iou is not a figure of this model, which tells score and types;"
        " give another, such as objective=val/accuracy"
    )
