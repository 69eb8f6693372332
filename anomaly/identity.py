"""Everything that decides the outcome of a run, as one name: what was computed once is found by it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from anomaly.config import parameters
from anomaly.schema import SLOTS, RunConfig
from anomaly.types import Dataset

# Where things lie, and what is done with a result, does not change it.
APART = ("data.root", "output", "tracking.uri", "cache.gigabytes", "objective", "trainer.rerun")
# The code that computes; how results are shown, tracked and swept over changes none.
CODE = ("data", "augment", "backbone", "optimizer", "model", "ensemble", "metrics", "fusion.py")
LIBRARIES = ("keras", "tensorflow", "numpy", "scikit-learn", "opencv-contrib-python-headless")


def identity(config: RunConfig, dataset: Dataset, members: Sequence[str] = ()) -> str:
    """32 hexadecimal digits, equal for runs that would end alike.

    Args:
        members: ids of the runs that an ensemble combines.
    """
    same = {k: v for k, v in parameters(config).items() if k not in APART}
    slots = ("data", "ensemble") if config.ensemble else SLOTS
    builds = [getattr(config, slot)["_target_"] for slot in slots]
    files = [_content(Path(value)) for value in same.values() if _is_file(value)]
    words = [same, builds, files, list(members), _images(dataset), _code(), _backend()]
    return hashlib.sha256(json.dumps(words, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _images(dataset: Dataset) -> list[tuple]:
    return [
        (part.name, s.id, s.label, s.content, s.mask and _content(s.mask))
        for part in dataset.splits
        for s in part
    ]


def _is_file(value: object) -> bool:
    """Weights and networks of the user's own are given by their path."""
    return isinstance(value, str) and Path(value).is_file()


@cache  # the masks and weights of a sweep are the same for all of its jobs
def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _code() -> str:
    here, digest = Path(__file__).parent, hashlib.sha256()
    for file in sorted(file for name in CODE for file in _files(here / name)):
        digest.update(file.relative_to(here).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    return list(path.rglob("*.py")) if path.is_dir() else [path]


def _backend() -> list[str]:
    return [os.environ.get("KERAS_BACKEND", ""), *map(version, LIBRARIES)]
