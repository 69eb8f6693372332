"""Bundles of models that an earlier version saved or exported: no training, no export."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from anomaly.inspector.about import About
from anomaly.inspector.bundle import seal

SAVED, EXPORTED = (Path(__file__).parent / name for name in ("saved", "exported"))
ABOUT = About(
    kind="bovw", ensemble=False, category="demo", classes=["good", "hole", "scratch", "stain"],
    grid=64, temperature=1.0, sorting_threshold=0.78, reject_below=0.3,
    validate_scores=[0.7, 0.76, 0.8, 0.9], validate_defective=[False, False, True, True],
    figures={
        f"test/{name}{end}": value
        for name in ("accuracy", "defect_accuracy", "sorting_escape_rate", "sorting_overkill_rate")
        for end, value in {"": 0.5, "_count": 40.0, "_low": 0.35, "_high": 0.65}.items()
    },
    evidence="40 images", outcomes={"test/good/000.png": True}, versions={"numpy": "2"},
    run={"id": "0" * 32, "name": "demo-bovw"}, created="2026-11-27",
)  # fmt: skip
TINY = {"id": "0" * 32, "name": "demo-tiny"}


def saved_bundle(folder: Path, kind: str = "bovw", **fields: object) -> Path:
    """A bundle in a new folder, of a model in tests/saved; `fields` of its About may be others."""
    shutil.copytree(SAVED / kind, folder, ignore=shutil.ignore_patterns("expected.json"))
    seal(folder, replace(ABOUT, kind=kind, **fields))
    return folder


def exported_bundle(folder: Path, **fields: object) -> Path:
    """The same of the classifier, as it was exported to ONNX with what it says of drawn photos."""
    golden = json.loads((EXPORTED / "golden.json").read_text())
    shutil.copytree(EXPORTED, folder, ignore=shutil.ignore_patterns("golden.json"))
    known = {"kind": "classifier", "runtime": "onnx", "golden": golden, "run": TINY}
    seal(folder, replace(ABOUT, **{**known, **fields}))
    return folder
