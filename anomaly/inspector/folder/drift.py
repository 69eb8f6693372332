"""Whether photos are scored like those of validate, or light, camera or parts have changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anomaly.inspector.folder.words import chance
from anomaly.inspector.folder.words import photos as so_many
from anomaly.metrics.intervals import wilson

FEWEST = 20  # photos; fewer cannot show a change
PRECISION = 1e-6  # of the share of defects
DIFFERENT = 0.01  # p below which two distributions, or two shares, are called different


class Curves(NamedTuple):
    """Cumulative distributions: the share of photos with a score up to each."""

    scores: np.ndarray  # (k,) ascending, without repetition
    photos: np.ndarray  # (k,) in 0..1
    mixture: np.ndarray  # (k,) in 0..1, the mix of good and defective that is nearest to them


class Rejections(NamedTuple):
    """How many do not pass as good, of how many."""

    photos: tuple[int, int]
    validate: tuple[int, int]
    what: str = "photos"  # of which both speak

    @property
    def p(self) -> float:
        """How often so many do not pass if they are like validate's, by the exact binomial test.

        Of few images their share is uncertain: its upper 95 % limit is taken.
        """
        from scipy.stats import binomtest  # its import takes a second and 50 MB

        return float(binomtest(*self.photos, wilson(*self.validate).high, "greater").pvalue)

    @property
    def sentence(self) -> str:
        (out, count), (before, of) = self.photos, self.validate
        facts = f"{out} of {count} {self.what} do not pass as good; of validate's {before} of {of} do not"
        if self.p >= DIFFERENT:
            return f"{facts}."
        more = "" if self.what == "good parts" else "there are more defects than in validate, or "
        return f"{facts} ({chance(self.p)}): {more}light, camera or parts have changed."


@dataclass(frozen=True)
class Drift:
    """How far the photos' scores are from validate's."""

    photos: int
    validate: int
    distance: float  # largest gap of the two curves, 0..1
    defects: float  # the share of defects, 0..1, of the nearest mixture
    evidence: float  # photos at this share that say as much as validate's
    curves: Curves
    rejections: Rejections | None

    @property
    def p(self) -> float:
        """How often photos like validate's are as far, or farther, by the two-sample test.

        Too large rather than too small, as the share was fitted.
        """
        from scipy.stats import kstwo  # as above

        size = round(self.photos * self.evidence / (self.photos + self.evidence))
        return float(kstwo.sf(self.distance, max(1, size)))

    @property
    def differs(self) -> bool | None:
        """Whether the distributions differ; None where there are too few photos to tell."""
        return self.p < DIFFERENT if self.photos >= FEWEST else None

    @property
    def sentences(self) -> list[str]:
        if self.differs is None:
            return [
                f"{so_many(self.photos)} are too few to tell whether light or parts have changed;"
                f" {FEWEST} or more can show it."
            ]
        return [self._comparison, *([self.rejections.sentence] if self.rejections else [])]

    @property
    def _comparison(self) -> str:
        facts = f"distance {self.distance:.2f}, {chance(self.p)}"
        nearest = f"validate's {self.validate}, mixed to {100 * self.defects:.0f} % defects"
        if self.differs:
            return (
                f"The scores of the {self.photos} photos differ even from the most similar mixture,"
                f" {nearest} ({facts}): light, camera, parts or kinds of defects may have changed."
            )
        return f"The scores of the {self.photos} photos are like those of {nearest} ({facts})."


def drift(
    photos: np.ndarray,
    validate: np.ndarray,
    defective: np.ndarray,
    rejections: Rejections | None = None,
    share: float | None = None,
) -> Drift:
    """Compare scores with the nearest mixture of validate's good and defective parts.

    Production has another share of defects than validate. So the distance is the smallest
    Kolmogorov-Smirnov distance to any mixture of the two, as in M. Saerens et al., "Adjusting the
    outputs of a classifier to new a priori probabilities", Neural Computation 14 (2002), classes
    keep their distributions and only their shares change. A change that makes good parts score as
    defective ones hides in the mixture; `rejections` shows it.

    Args:
        photos: (n,) scores, n >= 1.
        validate: (m,) scores of the same model, m >= 1.
        defective: (m,) bool, the truth about validate.
        rejections: how many photos do not pass, where that is known.
        share: of defects among the photos, 0..1, where it is known.
    """
    grid = np.unique(np.concatenate([photos, validate]))
    here = cumulative(photos, grid)
    parts = [cumulative(validate[of], grid) for of in (~defective, defective) if of.any()]
    if len(parts) < 2:
        share = float(defective.any())
    elif share is None:
        share = nearest(here, *parts)
    mixture = parts[0] + share * (parts[-1] - parts[0])
    distance = float(np.abs(here - mixture).max())
    curves, evidence = Curves(grid, here, mixture), _evidence(defective, share)
    return Drift(len(photos), len(validate), distance, share, evidence, curves, rejections)


def cumulative(scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(k,) the share of the (n,) scores that are at most each value of the (k,) grid."""
    return np.searchsorted(np.sort(scores), grid, side="right") / len(scores)


def nearest(here: np.ndarray, good: np.ndarray, defective: np.ndarray) -> float:
    """The share of defects, 0..1, whose mixture of two (k,) distributions is nearest to `here`.

    The largest gap is a convex function of the share, so a search by thirds ends at its minimum.
    """

    def gap(share: float) -> float:
        return float(np.abs(here - good - share * (defective - good)).max())

    low, high = 0.0, 1.0
    while high - low > PRECISION:
        third = (high - low) / 3
        if gap(low + third) <= gap(high - third):
            high -= third
        else:
            low += third
    return min((0.0, 1.0, (low + high) / 2), key=gap)


def _evidence(defective: np.ndarray, share: float) -> float:
    """How many photos at this share of defects say as much as validate's, at most all of them.

    A mixture at another share than validate's leans on the few parts of one kind (L. Kish, Survey
    Sampling, 1965, on weighted samples).
    """
    kinds = ((1 - share, (~defective).sum()), (share, defective.sum()))
    return 1 / sum(weight**2 / count for weight, count in kinds if weight)
