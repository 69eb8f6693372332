"""Digests of our source code: a cached result is valid only for the code that computed it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


@cache
def digest(*names: str) -> str:
    """The digest of all Python files of these packages and modules (paths below anomaly/)."""
    return _digest(file for name in names for file in _files(PACKAGE / name))


@cache
def digest_of_all_but(*names: str) -> str:
    """The digest of all Python files below anomaly/ except those of these packages and modules."""
    excluded = {file for name in names for file in _files(PACKAGE / name)}
    return _digest(file for file in _files(PACKAGE) if file not in excluded)


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    return list(path.rglob("*.py")) if path.is_dir() else [path]
