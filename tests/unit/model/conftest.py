"""What tests of trainings share."""

from __future__ import annotations

from pathlib import Path

import pytest

from anomaly.model.training.checkpoint import Checkpoint


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    """An empty checkpoint."""
    return Checkpoint(tmp_path / "checkpoints", "key")
