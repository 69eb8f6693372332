"""From the images of the train split to a trained bag of visual words."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomaly.model.bovw.bag import TrainedBag
from anomaly.model.bovw.encoder import Encoder
from anomaly.model.bovw.grid_search import search
from anomaly.model.bovw.histogram import vectors
from anomaly.model.pictures import Picture, first_occurrences, training_pictures
from anomaly.model.svm import distances, fit
from anomaly.types import Split

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """What a bag of visual words needs for training, but not for prediction."""

    augment: Policy
    classes: tuple[str, ...]
    words: int
    c: float
    gamma: float  # in units of 1 / the mean squared distance of two pictures
    grid: bool
    seed: int

    def train(
        self, train: Split, encoder: Encoder, *, size: int, root: bool, levels: int
    ) -> TrainedBag:
        """Learns the words of the train split, and SVMs that separate its classes.

        Raises:
            InputError: fewer descriptors than words, or a class too small for the grid search.
        """
        pictures, labels, groups = self._pictures(train, encoder, size)
        vocabulary = encoder.vocabulary(pictures, self.words, root, self.seed)
        x = vectors(encoder(pictures, vocabulary, "train words"), self.words, levels)
        c, gamma = self._choose_settings(x, labels, groups)
        machines = fit(x, labels, c=c, gamma=gamma)
        return TrainedBag(vocabulary, machines, x[labels == 0].mean(0), levels)

    def _pictures(
        self, train: Split, encoder: Encoder, size: int
    ) -> tuple[list[Picture], np.ndarray, Sequence[int]]:
        """Each distinct picture, its label and group; the SVMs balance the classes by weights."""
        pictures = training_pictures(train.samples, self.augment, size, encoder.cache)
        versions = self.augment.versions(train.labels)
        labels = np.repeat(train.labels, versions)
        groups = np.repeat([sample.group for sample in train], versions)
        distinct = first_occurrences(pictures)
        return [pictures[k] for k in distinct], labels[distinct], groups[distinct].tolist()

    def _choose_settings(
        self, x: np.ndarray, labels: np.ndarray, groups: Sequence[int]
    ) -> tuple[float, float]:
        """The c and gamma of the SVMs: as configured, or with `grid` the best ones near that."""
        mean_distance = 2 * float(x.var(0, dtype=np.float64).sum())  # squared, of two pictures
        configured = self.c, self.gamma / max(mean_distance, 1e-12)
        if not self.grid:
            return configured
        c, gamma = search(distances(x, x), labels, groups, self.classes, configured, self.seed)
        log.info("grid search: model.C=%g, model.gamma=%g", c, gamma * mean_distance)
        return c, gamma
