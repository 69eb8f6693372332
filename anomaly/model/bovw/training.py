"""From the images of the train part to a bag of words."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomaly.model.bovw.bag import Bag
from anomaly.model.bovw.grid_search import search
from anomaly.model.bovw.histogram import vectors
from anomaly.model.bovw.encoder import Reader
from anomaly.model.pictures import Picture, firsts, training_pictures
from anomaly.model.svm import distances, fit
from anomaly.types import Split

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """What a bag of words needs to learn, and not to predict."""

    augment: Policy
    classes: tuple[str, ...]
    words: int
    c: float
    gamma: float  # in units of one over the mean squared distance of two pictures
    grid: bool
    seed: int

    def __call__(self, train: Split, reader: Reader, *, size: int, root: bool, levels: int) -> Bag:
        """The words of the train part, and machines that tell its classes by them.

        Raises:
            InputError: fewer descriptors than words, or a class too small for the grid search.
        """
        pictures, labels, groups = self._pictures(train, reader, size)
        vocabulary = reader.vocabulary(pictures, self.words, root, self.seed)
        x = vectors(reader(pictures, vocabulary, "train words"), self.words, levels)
        c, gamma = self._settle(x, labels, groups)
        return Bag(vocabulary, fit(x, labels, c=c, gamma=gamma), x[labels == 0].mean(0), levels)

    def _pictures(
        self, train: Split, reader: Reader, size: int
    ) -> tuple[list[Picture], np.ndarray, Sequence[int]]:
        """Each distinct picture, its label and group; what the policy repeats counts by weight."""
        pictures = training_pictures(train.samples, self.augment, size, reader.cache)
        versions = self.augment.versions(train.labels)
        labels = np.repeat(train.labels, versions)
        groups = np.repeat([sample.group for sample in train], versions)
        distinct = firsts(pictures)
        return [pictures[k] for k in distinct], labels[distinct], groups[distinct].tolist()

    def _settle(
        self, x: np.ndarray, labels: np.ndarray, groups: Sequence[int]
    ) -> tuple[float, float]:
        """The c and gamma of the machines: as given, or the best near that."""
        apart = 2 * float(x.var(0, dtype=np.float64).sum())  # the mean squared distance
        given = self.c, self.gamma / max(apart, 1e-12)
        if not self.grid:
            return given
        c, gamma = search(distances(x, x), labels, groups, self.classes, given, self.seed)
        log.info("grid search: model.C=%g, model.gamma=%g", c, gamma * apart)
        return c, gamma
