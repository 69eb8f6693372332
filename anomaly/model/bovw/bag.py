"""What is learned of a bag of visual words, and what it says of pictures that have been read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anomaly.model.bovw.descriptors import NUMBERS
from anomaly.model.bovw.histogram import bins, length, vectors
from anomaly.model.bovw.vocabulary import Vocabulary
from anomaly.model.bovw.votes import share_out, spread
from anomaly.model.svm import Machines


@dataclass(frozen=True)
class Bag:
    """Words, the machines that weigh how often each occurs, and how often it does in good parts."""

    vocabulary: Vocabulary
    machines: Machines
    good: np.ndarray  # (f,) float32, the mean vector of good training pictures
    levels: int  # of the pyramid

    def __call__(self, seen: Sequence[np.ndarray], grid: int) -> tuple[np.ndarray, np.ndarray]:
        """(n, c) float64 probabilities, and (n, grid, grid) float32 evidence of a defect.

        As in a classifier's activation map, it is told from what good parts show too.
        """
        x = vectors(seen, len(self.vocabulary), self.levels)
        shares = self.machines.shares(x, self.good)
        maps = [self._map(own, share, grid) for own, share in zip(seen, shares, strict=True)]
        return self.machines.proba(x), np.stack(maps)

    def _map(self, seen: np.ndarray, shares: np.ndarray, grid: int) -> np.ndarray:
        votes = share_out(shares, bins(seen, len(self.vocabulary), self.levels))
        return spread(seen, votes, grid)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learned, for a file."""
        machines = self.machines
        return {
            "words": self.vocabulary.words,
            "support": machines.support,
            "weights": machines.weights,
            "offsets": machines.offsets,
            "gamma": np.array(machines.gamma),
            "good": self.good,
        }


def from_arrays(arrays: Mapping[str, np.ndarray], classes: int, root: bool, levels: int) -> Bag:
    """The bag whose `arrays` these are.

    Raises:
        KeyError, ValueError: they are not those of a bag.
    """
    words, supports = len(arrays["words"]), len(arrays["support"])
    numbers = length(words, levels)
    wanted = {
        "words": (words, NUMBERS),
        "support": (supports, numbers),
        "weights": (classes, supports),
        "offsets": (classes,),
        "gamma": (),
        "good": (numbers,),
    }
    for name, shape in wanted.items():
        if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} must be finite and {shape}, got {arrays[name].shape}")
    machines = Machines(
        arrays["support"], arrays["weights"], arrays["offsets"], float(arrays["gamma"])
    )
    return Bag(Vocabulary(arrays["words"], root), machines, arrays["good"], levels)
