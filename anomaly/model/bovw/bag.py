"""What training gives a bag of visual words, and what it predicts for encoded pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anomaly.model.bovw.descriptors import NUMBERS
from anomaly.model.bovw.histogram import bin_count, bins, vectors
from anomaly.model.bovw.vocabulary import Vocabulary
from anomaly.model.bovw.votes import vote_map, votes_of_patches
from anomaly.model.svm import Machines


@dataclass(frozen=True)
class TrainedBag:
    """The vocabulary, the SVMs on its histograms, and the mean vector of good pictures."""

    vocabulary: Vocabulary
    machines: Machines
    good: np.ndarray  # (f,) float32, the mean vector of good training pictures
    levels: int  # of the spatial pyramid

    def __call__(self, pictures: Sequence[np.ndarray], grid: int) -> tuple[np.ndarray, np.ndarray]:
        """(n, c) float64 probabilities, and (n, grid, grid) float32 evidence of a defect.

        Pictures are (k,) WORD each. As in a classifier's activation map, the evidence is measured
        from what good parts show.
        """
        judged = [self._judge(words, grid) for words in pictures]
        return np.concatenate([proba for proba, _ in judged]), np.stack([m for _, m in judged])

    def _judge(self, words: np.ndarray, grid: int) -> tuple[np.ndarray, np.ndarray]:
        """Of one picture: in a product of several, the last bits depend on how many there are."""
        x = vectors([words], len(self.vocabulary), self.levels)
        (evidence,) = self.machines.attributions(x, self.good)
        return self.machines.proba(x), self._map(words, evidence, grid)

    def _map(self, words: np.ndarray, evidence: np.ndarray, grid: int) -> np.ndarray:
        votes = votes_of_patches(evidence, bins(words, len(self.vocabulary), self.levels))
        return vote_map(words, votes, grid)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything learned, for a file."""
        machines = self.machines
        return {
            "words": self.vocabulary.words,
            "support": machines.support,
            "weights": machines.weights,
            "offsets": machines.offsets,
            "gamma": np.array(machines.gamma),
            "good": self.good,
        }


def from_arrays(
    arrays: Mapping[str, np.ndarray], classes: int, root: bool, levels: int
) -> TrainedBag:
    """The inverse of `TrainedBag.arrays`.

    Raises:
        KeyError, ValueError: an array is missing, or has another shape or values that are not finite.
    """
    _check(arrays, classes, levels)
    support, weights, offsets = (arrays[name] for name in ("support", "weights", "offsets"))
    machines = Machines(support, weights, offsets, float(arrays["gamma"]))
    return TrainedBag(Vocabulary(arrays["words"], root), machines, arrays["good"], levels)


def _check(arrays: Mapping[str, np.ndarray], classes: int, levels: int) -> None:
    words, vectors = len(arrays["words"]), len(arrays["support"])
    features = bin_count(words, levels)
    shapes = {
        "words": (words, NUMBERS),
        "support": (vectors, features),
        "weights": (classes, vectors),
        "offsets": (classes,),
        "gamma": (),
        "good": (features,),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} must be finite and {shape}, got {arrays[name].shape}")
