"""How sure a share is: the evidence behind "9 of 10"."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from anomaly.types import Interval


def wilson(hits: int, count: int, confidence: float = 0.95) -> Interval:
    """The score interval of a share, in 0..1; unlike p +- z*sigma it is honest at 0 and 1.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22 (1927).

    Raises:
        ValueError: hits outside 0..count, a count below 1, or a confidence outside 0..1.
    """
    if not 0 <= hits <= count or count < 1:
        raise ValueError(f"hits must be within 0..count and count at least 1: {hits} of {count}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, scale = hits / count, 1 + z * z / count
    centre = (share + z * z / (2 * count)) / scale
    half = z / scale * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    # At the ends the bound is the end itself; only rounding would move it.
    low = centre - half if hits else 0.0
    high = centre + half if hits < count else 1.0
    return Interval(hits, count, low, high)
