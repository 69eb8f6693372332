"""Test-time augmentation inside a network: the turned and mirrored views of a photo."""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any  # of whatever backend, or Keras' symbol of one


def views_of(photos: Tensor, views: int) -> Tensor:
    """(n, s, s, 3) photos to (views * n, s, s, 3) float32: view 0 of all, then view 1 of all, ...

    A view is turned by its number modulo 4 quarters, mirrored first from 4 on, as by
    `anomaly.model.pictures.turn`.
    """
    turned = ops.concatenate([_turned(photos, view) for view in range(views)], 0)
    return ops.cast(turned, "float32")  # only now: bytes are turned faster


def turned_back(maps: Tensor, view: int) -> Tensor:
    """(n, h, w) maps of a view as they lie on the upright photo."""
    upright = _quarters(maps, -view % 4)
    return ops.flip(upright, 2) if view >= 4 else upright


def _turned(images: Tensor, view: int) -> Tensor:
    return _quarters(ops.flip(images, 2) if view >= 4 else images, view % 4)


def _quarters(images: Tensor, quarters: int) -> Tensor:
    """(n, h, w, ...) turned counterclockwise; numpy's rot90, which not every runtime has."""
    if quarters == 2:
        return ops.flip(ops.flip(images, 1), 2)
    if quarters:
        images = ops.swapaxes(images, 1, 2)
        return ops.flip(images, 1 if quarters == 1 else 2)
    return images
