"""The interval of a share, against known numbers and Wilson's formula."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import pytest

from anomaly.metrics.intervals import wilson


def by_hand(hits: int, count: int) -> tuple[float, float]:
    """Newcombe, Statistics in Medicine 17 (1998), method 3."""
    z = NormalDist().inv_cdf(0.975)
    share, scale = hits / count, 1 + z * z / count
    centre = (share + z * z / (2 * count)) / scale
    half = z / scale * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return centre - half, centre + half


@pytest.mark.parametrize("count", [1, 2, 10, 63, 1000, 100_000])
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 1])
def test_it_is_wilsons_formula(share, count):
    hits = round(share * count)
    assert wilson(hits, count)[2:] == pytest.approx(by_hand(hits, count), abs=1e-12)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(10, 10, 0.7225, 1), (0, 10, 0, 0.2775), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_known_numbers(hits, count, low, high):
    """The last is the worked example of Newcombe, table I."""
    interval = wilson(hits, count)
    assert (interval.hits, interval.total) == (hits, count)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def test_the_ends_are_exact():
    assert all(wilson(0, n).low == 0 and wilson(n, n).high == 1 for n in range(1, 200))


def test_more_evidence_is_narrower():
    widths = [wilson(9 * n, 10 * n).high - wilson(9 * n, 10 * n).low for n in (1, 3, 10, 100)]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(("hits", "count"), [(0, 0), (-1, 3), (4, 3)])
def test_an_impossible_share_is_refused(hits, count):
    with pytest.raises(ValueError, match=r"must"):
        wilson(hits, count)
