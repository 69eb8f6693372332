"""Test-time augmentation inside a network: the turned and mirrored views of a photo."""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any  # of whatever backend, or Keras' symbol of one


def view_of(photos: Tensor, view: int) -> Tensor:
    """(n, s, s, 3) uint8 photos, turned by `view` modulo 4 quarters, mirrored first from 4 on; float32.

    As by `anomaly.model.pictures.turn`.
    """
    mirrored = ops.flip(photos, 2) if view >= 4 else photos
    return ops.cast(_quarters(mirrored, view % 4), "float32")  # last: bytes are turned faster


def turned_back(maps: Tensor, view: int) -> Tensor:
    """(n, h, w) maps of a view as they lie on the upright photo."""
    upright = _quarters(maps, -view % 4)
    return ops.flip(upright, 2) if view >= 4 else upright


def _quarters(images: Tensor, quarters: int) -> Tensor:
    """(n, h, w, ...) turned counterclockwise; numpy's rot90, which not every runtime has."""
    if quarters == 2:
        return ops.flip(ops.flip(images, 1), 2)
    if quarters:
        images = ops.swapaxes(images, 1, 2)
        return ops.flip(images, 1 if quarters == 1 else 2)
    return images
