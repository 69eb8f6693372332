"""What all tests share: configs as typed, small drawn parts, and the built option of any slot."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")  # ask a dead server again at once
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
if os.environ.get("KERAS_BACKEND") == "jax":  # compiles everything: let it do so quickly
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from anomaly.cache.store import Cache
from anomaly.config.parse import parse, register
from anomaly.config.schema import RunConfig
from anomaly.types import Dataset

ROOT = Path(__file__).parents[1]
DEMO = ["data=demo", "data.images=4", "data.side=64", "data.grid=64"]


def pytest_collection_finish() -> None:
    """Keras and TensorFlow stay: the garbage collector need not look at them in every test."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that at the end no core waits for another."""
    tests, longest = Path(__file__).parent, ("end_to_end", "real", "contract", "unit/model")
    items.sort(key=lambda item: not item.path.relative_to(tests).as_posix().startswith(longest))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", gigabytes=1)


@pytest.fixture(scope="session")
def parsed() -> Callable[..., RunConfig]:
    """parsed("model=tiny", ...) is the checked config of that command line."""
    register()

    def parsed_from(*overrides: str) -> RunConfig:
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            return parse(compose("config", list(overrides)))

    return parsed_from


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's pictures and cached arrays lie."""
    return tmp_path_factory.mktemp("session")


@pytest.fixture(scope="session")
def store(folder: Path) -> Cache:
    return Cache(folder / "cache", gigabytes=1)


@pytest.fixture(scope="session")
def build() -> Callable[..., Any]:
    """build(node, **runtime) is what an option makes of the runtime arguments of its slot."""

    def make(node: object, **runtime: object) -> Any:
        return instantiate(node, _convert_="all")(**runtime)

    return make


@pytest.fixture(scope="session")
def demo(parsed: Callable[..., RunConfig], build: Callable, folder: Path, store: Cache) -> Dataset:
    return build(parsed(*DEMO, f"data.root={folder}").data, cache=store)


@pytest.fixture(scope="session")
def learner_of(demo: Dataset, store: Cache) -> Callable[..., Any]:
    """learner_of(run) is a fresh learner for the demo's classes, with the slots that `run` names."""
    from anomaly.run.build import build_learner

    return lambda run: build_learner(run, demo.classes, store)[1]
