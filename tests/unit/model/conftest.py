"""What the trainings share."""

from __future__ import annotations

from pathlib import Path

import pytest

from anomaly.model.training.checkpoint import Checkpoint


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    """One of no training yet."""
    return Checkpoint(tmp_path / "checkpoints", "key")
