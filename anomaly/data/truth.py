"""The ground truth: the instances of masks, on the grid on which all runs are evaluated."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anomaly.data.images import resize
from anomaly.data.read import read_mask
from anomaly.masks.components import largest_first
from anomaly.types import Split, Truth

MAX_INSTANCES = 255  # per image, as uint8 numbers them


def load_truth(split: Split, classes: tuple[str, ...]) -> Truth:
    """The labels and instances of a split, on its evaluation grid."""
    return Truth(split.ids, classes, split.labels, load_instances(split))


def load_instances(split: Split) -> np.ndarray:
    """(n, grid, grid) uint8 on the evaluation grid, numbered as by `instances_on_grid`."""
    maps = [
        instances_on_grid(s.annotation.mask, split.grid, split.min_instance_area) for s in split
    ]
    return np.stack(maps) if maps else np.zeros((0, split.grid, split.grid), np.uint8)


def instances_on_grid(path: Path | None, size: int, min_area: int) -> np.ndarray:
    """(size, size) uint8: k on the cells of instance k, 1 is the largest; 0 elsewhere.

    Instances are the 8-connected components of the mask in the file; those smaller than `min_area`
    pixels are noise. An instance has every cell that it covers at least half as much as the cell
    that it covers most, so a scratch thinner than a cell is kept in one piece. Where instances
    overlap on the grid, the smaller one counts. From number 255 on, instances share that number.
    """
    grid = np.zeros((size, size), np.uint8)
    if path is None:
        return grid
    label_map = np.minimum(largest_first(read_mask(path), min_area), MAX_INSTANCES)
    for number in range(1, int(label_map.max()) + 1):
        coverage = resize((label_map == number).astype(np.float32), size)
        grid[coverage >= coverage.max() / 2] = number
    return grid
