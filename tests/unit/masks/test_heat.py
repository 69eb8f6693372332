"""Heat on its scale stays as it is, in memory and in a file."""

from __future__ import annotations

import numpy as np

from anomaly.masks.heat import STEPS, from_steps, on_scale, to_steps

HEAT = np.random.default_rng(0).random((3, 32, 32)).astype(np.float32)


def test_every_step_comes_back():
    steps = np.arange(STEPS + 1, dtype=np.uint16)
    assert np.array_equal(to_steps(from_steps(steps)), steps)


def test_heat_moves_by_half_a_step_at_most_and_only_once():
    once = on_scale(HEAT)
    assert once.dtype == np.float32
    assert np.abs(once - HEAT).max() <= 0.5 / STEPS + 1e-7
    assert np.array_equal(on_scale(once), once)


def test_the_ends_stay():
    assert on_scale(np.array([0.0, 1.0], np.float32)).tolist() == [0.0, 1.0]
