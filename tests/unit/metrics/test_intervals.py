"""The interval of a share, against known numbers and against scipy."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from anomaly.metrics.intervals import wilson


@pytest.mark.parametrize("count", [1, 2, 10, 63, 1000])
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 1])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_it_agrees_with_scipy(share, count, confidence):
    hits = round(share * count)
    expected = binomtest(hits, count).proportion_ci(confidence, method="wilson")
    assert wilson(hits, count, confidence)[2:] == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(10, 10, 0.7225, 1), (0, 10, 0, 0.2775), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_known_numbers(hits, count, low, high):
    """The last is the worked example of Newcombe, Statistics in Medicine 17 (1998), table I."""
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
    with pytest.raises(ValueError, match=f"{hits} of {count}"):
        wilson(hits, count)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_an_impossible_confidence_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence"):
        wilson(1, 2, confidence)
