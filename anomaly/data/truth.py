"""What is really there: the instances of masks, on the grid on which all runs are evaluated."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anomaly.data.images import resize
from anomaly.data.read import read_mask
from anomaly.masks.components import largest_first
from anomaly.types import Split, Truth

MOST = 255  # instances of an image that are told apart


def load_truth(split: Split, classes: tuple[str, ...]) -> Truth:
    """What is really there in a split, on its evaluation grid."""
    return Truth(split.ids, classes, split.labels, load_instances(split))


def load_instances(split: Split) -> np.ndarray:
    """(n, grid, grid) uint8 on the evaluation grid, as `instances_on_grid` numbers them."""
    every = [
        instances_on_grid(s.annotation.mask, split.grid, split.min_instance_area) for s in split
    ]
    return np.stack(every) if every else np.zeros((0, split.grid, split.grid), np.uint8)


def instances_on_grid(path: Path | None, size: int, least: int) -> np.ndarray:
    """(size, size) uint8: k on the cells of instance k, 1 the largest; 0 elsewhere.

    Instances are the 8-connected components of the file's mask; those of fewer than `least` pixels
    are noise. An instance has the cells that are at least half as defective as its most defective
    one, so a scratch thinner than a cell is still there, and still one. The smaller lie on top of
    the larger, which are not seen where they have no other cell. Beyond 254 the smallest count as
    one.
    """
    out = np.zeros((size, size), np.uint8)
    if path is None:
        return out
    every = np.minimum(largest_first(read_mask(path), least), MOST)
    for number in range(1, int(every.max()) + 1):
        share = resize((every == number).astype(np.float32), size)
        out[share >= share.max() / 2] = number
    return out
