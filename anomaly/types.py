"""The values that travel between modules. Shapes are checked where a value is born.

A comment with a colon is shown beside its field in the documentation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

GOOD = "good"
PARTS = ("train", "test", "validate")


def tidy(name: str) -> str:
    """A name as MLflow takes it for a figure."""
    return re.sub(r"[^\w\-. /]", "_", name)


@dataclass(frozen=True)
class Image:
    """A photo in a file or in memory. In a data set `id` is its path, with forward slashes."""

    id: str
    #: a file, the bytes of one, or (h, w, 3) uint8 RGB pixels
    source: Path | bytes | np.ndarray = field(compare=False, repr=False)
    content: str  #: digest of the bytes, the key of everything cached about it


@dataclass(frozen=True)
class Annotation:
    """What is known of a photo."""

    label: int  # index into Dataset.classes; 0 is good
    mask: Path | None = None  # None for good parts
    digest: str | None = None  # of the mask's bytes


@dataclass(frozen=True)
class Sample:
    """A photo and what is known of it."""

    image: Image
    annotation: Annotation
    group: int  # samples of one group show the same physical part

    @property
    def id(self) -> str:
        return self.image.id

    @property
    def label(self) -> int:
        return self.annotation.label


@dataclass(frozen=True)
class Split:
    """The samples of one part of the data: train, validate or test."""

    name: str
    samples: tuple[Sample, ...]
    grid: int  # side of the evaluation square, pixels
    min_instance_area: int = 0  # pixels of the file; a smaller component of a mask is noise

    def __post_init__(self) -> None:
        if self.name not in PARTS:
            raise ValueError(f"a split is one of {PARTS}, got {self.name!r}")

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(sample.id for sample in self.samples)

    @property
    def images(self) -> tuple[Image, ...]:
        return tuple(sample.image for sample in self.samples)

    @property
    def labels(self) -> np.ndarray:
        """(n,) int64 class indices."""
        return np.array([sample.label for sample in self.samples], np.int64)


@dataclass(frozen=True)
class Dataset:
    """A category, split. `digest` names the split: equal digests mean comparable runs."""

    category: str
    classes: tuple[str, ...]
    train: Split
    validate: Split
    test: Split
    digest: str
    folds_digest: str | None = None  # the same for every fold of one cross-validation

    @property
    def splits(self) -> tuple[Split, Split, Split]:
        return self.train, self.validate, self.test

    @property
    def copies(self) -> dict[int, list[str]]:
        """{group: ids} of the parts that were photographed more than once."""
        members = defaultdict(list)
        for sample in (s for part in self.splits for s in part):
            members[sample.group].append(sample.id)
        return {group: sorted(ids) for group, ids in sorted(members.items()) if len(ids) > 1}


@dataclass(frozen=True)
class Truth:
    """What is really there, on the evaluation grid that all runs share."""

    ids: tuple[str, ...]
    classes: tuple[str, ...]
    labels: np.ndarray  # (n,) int64, index into classes; 0 is good
    instances: np.ndarray  # (n, h, w) uint8, k where an image's instance k is, from 1; else 0

    def __post_init__(self) -> None:
        _same_length(self.ids, self.labels, self.instances)
        _expect("instances", self.instances, 3, np.uint8)

    @cached_property
    def masks(self) -> np.ndarray:
        """(n, h, w) bool, True where defective."""
        return self.instances > 0

    @cached_property
    def annotated(self) -> np.ndarray:
        """(n,) bool: the defective images whose masks say where; others may have empty masks."""
        return (self.labels > 0) & self.masks.any((1, 2))


@dataclass(frozen=True)
class Detections:
    """The instances found in one image, in pixels of the evaluation grid."""

    boxes: np.ndarray  #: (k, 4) float32, (x1, y1, x2, y2), x2 and y2 exclusive
    masks: np.ndarray  #: (k, h, w) bool
    scores: np.ndarray  #: (k,) float32 in 0..1
    labels: np.ndarray  #: (k,) int64, index into classes, never 0

    def __post_init__(self) -> None:
        _same_length(self.boxes, self.masks, self.scores, self.labels)
        _expect("masks", self.masks, 3, np.bool_)
        if self.boxes.shape != (len(self.boxes), 4):
            raise ValueError(f"boxes must be (k, 4), got {self.boxes.shape}")
        if (self.labels < 1).any():
            raise ValueError("a detection is a defect: its label is never 0 (good)")

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True)
class Predictions:
    """What a learner says of some images; also the file format that runs exchange.

    What a learner cannot say is None, and figures that need it are absent.
    """

    ids: tuple[str, ...]
    classes: tuple[str, ...]
    proba: np.ndarray | None = None  #: (n, c) float64, rows sum to 1
    heat: np.ndarray | None = (
        None  #: (n, h, w) float32 in 0..1, in steps of 1/65535: how defective each pixel looks
    )
    segmentation: np.ndarray | None = None  #: (n, h, w) bool, the pixels called defective
    detections: tuple[Detections, ...] | None = None
    score: np.ndarray | None = None  #: (n,) float32, how unlike good parts; higher is worse

    def __post_init__(self) -> None:
        columns = (getattr(self, name) for name in FIELDS)
        _same_length(self.ids, *(column for column in columns if column is not None))
        if self.proba is not None:
            _expect_probabilities(self.proba, len(self.classes))
        if self.heat is not None:
            _expect_finite("heat", self.heat)
        if self.segmentation is not None:
            _expect("segmentation", self.segmentation, 3, np.bool_)
        if self.score is not None:
            _expect("score", self.score, 1, np.float32)
            _expect_finite("score", self.score)
        maps = {m.shape for m in (self.heat, self.segmentation) if m is not None}
        if len(maps) > 1:
            raise ValueError(f"heat and segmentation differ in shape: {sorted(maps)}")

    @property
    def labels(self) -> np.ndarray:
        """(n,) int64, the most probable class of each image.

        Raises:
            ValueError: there are no probabilities.
        """
        if self.proba is None:
            raise ValueError("these predictions hold no probabilities, so they name no class")
        return self.proba.argmax(1)

    @property
    def grids(self) -> set[tuple[int, ...]]:
        """The (h, w) of all maps and masks, which should be one."""
        maps = [m for m in (self.heat, self.segmentation) if m is not None]
        return {m.shape[1:] for m in (*maps, *(d.masks for d in self.detections or () if len(d)))}

    def select(self, order: Sequence[int]) -> Predictions:
        """Those of some images, in this order of their places."""
        places = np.asarray(order, np.int64)

        def chosen(column: Any) -> Any:
            return None if column is None else column[places]

        return Predictions(
            tuple(self.ids[i] for i in places),
            self.classes,
            chosen(self.proba),
            chosen(self.heat),
            chosen(self.segmentation),
            self.detections and tuple(self.detections[i] for i in places),
            chosen(self.score),
        )


FIELDS = ("proba", "heat", "segmentation", "detections", "score")  # of Predictions, each optional


class Spread(NamedTuple):
    """The ends of a 95 % interval."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.3f} to {self.high:.3f}"


class Interval(NamedTuple):
    """A share with the evidence behind it: `hits` of `total`, and its 95 % interval."""

    hits: int
    total: int
    low: float
    high: float

    @property
    def spread(self) -> Spread:
        return Spread(self.low, self.high)


@dataclass(frozen=True)
class Scores:
    """Every number of one split, and by the same names the intervals of those that have one."""

    values: Mapping[str, float]
    intervals: Mapping[str, Interval]  # of shares
    spreads: Mapping[str, Spread]  # of means over images or instances
    # (c, c) int64, rows are the truth, columns the predictions; None where no class is named
    confusion: np.ndarray | None


def _same_length(*columns) -> None:
    lengths = [len(column) for column in columns]
    if len(set(lengths)) != 1:
        raise ValueError(f"columns of one table differ in length: {lengths}")


def _expect(name: str, array: np.ndarray, ndim: int, dtype: type) -> None:
    if array.ndim != ndim or array.dtype != dtype:
        raise ValueError(
            f"{name} must be {ndim}-d {dtype.__name__}, got {array.ndim}-d {array.dtype}"
        )


def _expect_finite(name: str, array: np.ndarray) -> None:
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")


def _expect_probabilities(proba: np.ndarray, classes: int) -> None:
    if proba.shape[1:] != (classes,):
        raise ValueError(f"proba must be (n, {classes}), got {proba.shape}")
    _expect_finite("proba", proba)
    if not np.allclose(proba.sum(1), 1, atol=1e-4):
        raise ValueError("every row of proba must sum to 1")
