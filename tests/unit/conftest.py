"""Bundles of models that an earlier version saved: no training, and TensorFlow only where it judges."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from anomaly.inspector.about import About, digest_of
from anomaly.inspector.bundle import seal

SAVED = Path(__file__).parents[1] / "saved"
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


@pytest.fixture(scope="session")
def bundle_in() -> Callable[..., Path]:
    """bundle_in(folder, kind="bovw", ...) makes a bundle in a new folder; the rest are its fields."""

    def make(folder: Path, kind: str = "bovw", **fields: object) -> Path:
        shutil.copytree(SAVED / kind, folder)
        (folder / "expected.json").unlink()
        seal(folder, replace(ABOUT, kind=kind, **fields))
        return folder

    return make


@pytest.fixture
def bundle(bundle_in, tmp_path) -> Path:
    return bundle_in(tmp_path / "bundle")


@pytest.fixture(scope="session")
def reseal() -> Callable[..., None]:
    """reseal(folder, field=value, ...) makes all digests right again, as who tampers with it would."""

    def make(folder: Path, **fields: object) -> None:
        path = folder / "inspector.json"
        files = [each for each in folder.rglob("*") if each.is_file() and each != path]
        digests = {
            each.relative_to(folder).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest()
            for each in files
        }
        content = {**json.loads(path.read_text()), "files": digests, **fields}
        path.write_text(json.dumps(content | {"digest": digest_of(content)}))

    return make
