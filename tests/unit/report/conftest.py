"""Rows of made-up runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from anomaly.metrics.intervals import wilson
from anomaly.report.runs import Row

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def shares(**hits: tuple[int, int]) -> dict[str, float]:
    """The metrics of shares of test, each as (hits, count)."""
    figures: dict[str, float] = {}
    for name, (right, count) in hits.items():
        interval = wilson(right, count)
        figures |= {f"test/{name}": right / count, f"test/{name}_count": float(count)}
        figures |= {f"test/{name}_low": interval.low, f"test/{name}_high": interval.high}
    return figures


@pytest.fixture
def make() -> Callable[..., Row]:
    """make("a", val=0.9, accuracy=(9, 10), split="s") is a row; its tags and params as keywords."""

    def row(
        id: str,
        *,
        name: str = "demo-tiny",
        val: float | None = None,
        params: dict[str, str] | None = None,
        minutes: int = 0,
        metrics: dict[str, float] | None = None,
        **given,
    ) -> Row:
        counted = {key: value for key, value in given.items() if isinstance(value, tuple)}
        tags = {"role": "member", "category": "demo", "split": "s"}
        tags |= {key: value for key, value in given.items() if isinstance(value, str)}
        figures = {"val/accuracy": val} if val is not None else {}
        figures |= shares(**counted) | (metrics or {})
        return Row(id, name, NOON + timedelta(minutes=minutes), tags, params or {}, figures)

    return row
