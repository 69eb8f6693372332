"""On JAX, too, every model trains, predicts and saves: the battery of learners in a process of its own.

A process has one backend. That the backends agree is shown where their outputs are compared, in the
batteries of backbones and in tests/unit/model/mask_rcnn.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BATTERY = ("-m", "pytest", "-q", "-m", "not slow", "tests/contract/test_model_contract.py")


def test_the_battery_of_learners_passes_on_jax():
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": "."}
    command = [sys.executable, *BATTERY]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
