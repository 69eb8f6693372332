"""A bundle that needs neither TensorFlow nor Keras."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from anomaly.inspector.about import About
from anomaly.inspector.bundle import seal

SAVED = Path(__file__).parents[1] / "saved"


@pytest.fixture(scope="session")
def ray_bundle(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ray") / "bundle"
    shutil.copytree(SAVED / "bovw", folder)
    (folder / "expected.json").unlink()
    about = About(
        kind="bovw", ensemble=False, category="demo", classes=["good", "hole", "scratch", "stain"],
        grid=64, temperature=1.0, sorting_threshold=0.78, reject_below=0.3,
        validate_scores=[0.7, 0.76, 0.8, 0.9], validate_defective=[False, False, True, True],
        figures={}, evidence="40 images", outcomes={}, versions={},
        run={"id": "0" * 32, "name": "demo-bovw"}, created="2026-11-27", runtime="onnx",
    )  # fmt: skip
    golden = folder / "golden.json"  # what it said of drawn photos when it was exported
    seal(folder, replace(about, golden=json.loads(golden.read_text())))
    return folder
