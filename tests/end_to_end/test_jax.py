"""On JAX, too, a network trains, predicts and saves: the battery of learners in a process of its own.

A process has one backend. One of each kind is enough: short names differ by their backbones, and that
those compute the same on JAX is shown where their outputs are compared, in their own battery.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BATTERY = "tests/contract/test_model_contract.py"
# A bag of words has no network. JAX compiles Mask R-CNN for minutes; that its outputs are TensorFlow's is
# shown in its own tests.
KINDS = ["tiny and not convnexttiny", pytest.param("mask_rcnn", marks=pytest.mark.slow)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_battery_of_networks_passes_on_jax(kind, tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": "."}
    options = ["-q", "-m", "not slow", "-k", kind, f"--basetemp={tmp_path / 'pytest'}"]
    command = [sys.executable, "-m", "pytest", *options, BATTERY]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
