"""What all tests share: a quiet TensorFlow, a store for arrays, and configs as typed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow
if os.environ.get("KERAS_BACKEND") == "jax":  # compiles everything: let it do so quickly
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import pytest
from hydra import compose, initialize_config_dir

from anomaly import config
from anomaly.config import RunConfig
from anomaly.data.cache import Cache

ROOT = Path(__file__).parents[1]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", gigabytes=1)


@pytest.fixture(scope="session")
def parsed() -> Callable[..., RunConfig]:
    """parsed("model=tiny", ...) is the checked config of that command line."""
    config.register()

    def parse(*overrides: str) -> RunConfig:
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            return config.parse(compose("config", list(overrides)))

    return parse
