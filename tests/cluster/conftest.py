"""A bundle that needs neither TensorFlow nor Keras."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundles import saved_bundle


@pytest.fixture(scope="session")
def ray_bundle(tmp_path_factory) -> Path:
    return saved_bundle(tmp_path_factory.mktemp("ray") / "bundle", runtime="onnx")
