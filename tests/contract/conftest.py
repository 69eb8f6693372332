"""A small drawn data set, and the built option of any slot, for the batteries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import instantiate

from anomaly.config import RunConfig
from anomaly.data.cache import Cache
from anomaly.types import Dataset

DEMO = ["data=demo", "data.images=4", "data.side=64", "data.grid=64"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's pictures and cached arrays lie."""
    return tmp_path_factory.mktemp("contract")


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
