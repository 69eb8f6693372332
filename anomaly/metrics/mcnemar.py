"""Whether one model is better than another on the same images, or was only luckier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Comparison(NamedTuple):
    """Two models on the same images; those that both named right or both wrong say nothing."""

    only_first: int  # images that the first alone named right
    only_second: int
    p: float  # how often equals differ as much or more by luck, 0..1


def mcnemar(first: Mapping[str, bool], second: Mapping[str, bool]) -> Comparison:
    """The exact two-sided McNemar test of {id: named right}, in any order of the images.

    Between equals an image that only one names right falls to either like a fair coin, so the
    smaller of the two counts is binomial with 1/2.
    Source: Q. McNemar, "Note on the sampling error of the difference between correlated
    proportions or percentages", Psychometrika 12 (1947).

    Raises:
        ValueError: the two are not of the same images.
    """
    if first.keys() != second.keys():
        apart = sorted(first.keys() ^ second.keys())
        raise ValueError(f"only one of the two names {len(apart)} images, such as {apart[0]}")
    only_first = sum(first[i] and not second[i] for i in first)
    only_second = sum(second[i] and not first[i] for i in first)
    return Comparison(only_first, only_second, _two_sided(only_first, only_second))


def _two_sided(one: int, other: int) -> float:
    """The chance that `one + other` fair coins fall as unevenly as this, or more so."""
    from scipy.stats import binomtest  # takes a second, for which `report --help` need not wait

    coins = one + other
    return float(binomtest(min(one, other), coins).pvalue) if coins else 1.0
