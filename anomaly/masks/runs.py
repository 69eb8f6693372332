"""Masks as text: COCO's uncompressed run-length encoding, which pycocotools reads."""

from __future__ import annotations

from typing import TypedDict

import numpy as np


class Runs(TypedDict):
    """`size` is [height, width]; `counts` alternate between clear and set pixels, down the columns."""

    size: list[int]
    counts: list[int]


def to_runs(mask: np.ndarray) -> Runs:
    """The runs of a (h, w) bool mask; the first is of clear pixels, and may be empty."""
    pixels = np.concatenate([[False], mask.ravel(order="F")])
    edges = np.flatnonzero(pixels[1:] != pixels[:-1])
    counts = np.diff([0, *edges, mask.size])
    return {"size": list(mask.shape), "counts": [int(count) for count in counts]}


def from_runs(runs: Runs) -> np.ndarray:
    """The (h, w) bool mask of these runs."""
    values = np.arange(len(runs["counts"])) % 2 == 1
    return np.repeat(values, runs["counts"]).reshape(runs["size"], order="F")
