"""The scale of heat: whole steps, so that a file gives back exactly what was written."""

from __future__ import annotations

import numpy as np

STEPS = 65535  # of heat between 0 and 1


def on_scale(heat: np.ndarray) -> np.ndarray:
    """float32 heat in 0..1, each value brought to the nearest step."""
    return from_steps(to_steps(heat))


def to_steps(heat: np.ndarray) -> np.ndarray:
    """uint16: the nearest step of each value in 0..1."""
    return np.rint(heat * STEPS).astype(np.uint16)


def from_steps(steps: np.ndarray) -> np.ndarray:
    """float32 in 0..1 from uint16 steps."""
    return (steps / np.float32(STEPS)).astype(np.float32)
