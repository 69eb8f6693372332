"""One name for everything that decides the outcome of a run; a sweep finds finished runs by it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from anomaly.cache.code import digest_of_all_but
from anomaly.config.parse import parameters
from anomaly.config.schema import SLOTS, RunConfig
from anomaly.types import Dataset

# Where files are, and what is done with a result, does not change it.
APART = ("data.root", "output", "tracking.uri", "cache.gigabytes", "objective", "trainer.rerun")
# What no figure depends on, paths below anomaly/; all other code counts, a new room too.
COMPUTES_NOTHING = (
    *("__init__.py", "cli.py", "errors.py"),
    *("plots", "report", "tracking", "sweep", "runtime", "data/download", "inspector"),
    *(
        "run/bundle.py",
        "run/cases.py",
        "run/summary.py",
        "run/tags.py",
        "run/pruning.py",
        "run/identity.py",
    ),
    *("run/train.py", "config/command_line.py", "config/explain.py", "config/job.py"),
    *("config/launchers.py", "config/paths.py", "config/refusals.py", "config/suggest.py"),
    "config/unused.py",
)
LIBRARIES = (
    *("keras", "tensorflow", "jax", "jaxlib", "numpy", "scipy", "scikit-learn", "albumentations"),
    *("opencv-contrib-python-headless", "pillow"),
)


def identity(config: RunConfig, dataset: Dataset, members: Sequence[str] = ()) -> str:
    """32 hexadecimal digits, equal for runs that would have the same result.

    Args:
        members: ids of the runs that an ensemble combines.
    """
    same = {k: v for k, v in parameters(config).items() if k not in APART}
    slots = ("data", "ensemble") if config.ensemble else SLOTS
    builds = [getattr(config, slot)["_target_"] for slot in slots]
    files = [_content(Path(value)) for value in same.values() if _is_file(value)]
    words = [same, builds, files, list(members), _images(dataset), state()]
    return hashlib.sha256(json.dumps(words, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _images(dataset: Dataset) -> list[tuple]:
    return [
        (part.name, s.id, s.label, s.image.content, s.annotation.digest)
        for part in dataset.splits
        for s in part
    ]


def _is_file(value: object) -> bool:
    """Whether it is a path of weights or of a saved network, whose content counts."""
    return isinstance(value, str) and Path(value).is_file()


@cache  # the weights are the same for all jobs of a sweep
def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def state() -> list[str]:
    """The code, the backend, and the versions of the libraries that compute."""
    return [
        digest_of_all_but(*COMPUTES_NOTHING),
        _backend(),
        *(f"{name}=={number}" for name, number in versions().items()),
    ]


def versions() -> dict[str, str]:
    """Of the libraries that compute, as far as they are installed."""
    return {name: version(name) for name in LIBRARIES if _installed(name)}


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _backend() -> str:
    """The backend that Keras will use; Keras itself is not imported yet."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        chosen = json.loads((home / "keras.json").read_text()).get("backend")
    except (OSError, ValueError, AttributeError):
        chosen = None
    return os.environ.get("KERAS_BACKEND") or chosen or "tensorflow"
