"""On JAX, too, a network trains, predicts and saves: the battery of learners in a process of its own.

A process has one backend. One of each kind is enough: short names differ by their backbones, and that
those compute the same on JAX is shown where their outputs are compared, in their own battery.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BATTERY = "tests/contract/test_model_contract.py"
KINDS = "tiny or mask_rcnn"  # a bag of words has no network


def test_the_battery_of_networks_passes_on_jax():
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": "."}
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-k", KINDS, BATTERY]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
