"""How sure a share is: the evidence behind "9 of 10"."""

from __future__ import annotations

from anomaly.types import Interval


def wilson(hits: int, count: int) -> Interval:
    """The 95 % score interval of a share, in 0..1; unlike p +- z*sigma it is honest at 0 and 1.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22 (1927).

    Raises:
        ValueError: hits outside 0..count, or a count below 1.
    """
    from scipy.stats import binomtest  # takes a second, which a first verdict need not wait

    ends = binomtest(hits, count).proportion_ci(0.95, method="wilson")
    return Interval(hits, count, float(ends.low), float(ends.high))
