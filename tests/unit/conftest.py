"""Bundles to judge with, and how one is tampered with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from bundles import saved_bundle

from anomaly.inspector.about import digest_of


@pytest.fixture(scope="session")
def bundle_in() -> Callable[..., Path]:
    """bundle_in(folder, kind="bovw", ...) makes a bundle in a new folder; the rest are its fields."""
    return saved_bundle


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
