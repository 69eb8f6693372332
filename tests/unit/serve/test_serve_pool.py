"""The queue in front of the judges."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial

import cv2
import pytest
from prometheus_client import CollectorRegistry, Gauge

from anomaly.serve.http.refusals import Refusal
from anomaly.serve.pool import Pool

SLOW = partial(time.sleep, 0.3)


@pytest.fixture
def pool() -> Iterator[Pool]:
    """One thread, three who wait, a tenth of a second for each."""
    pool = Pool(1, 3, 0.1, Gauge("depth", "", registry=CollectorRegistry()))
    yield pool
    pool.close()


def refusal(pool: Pool, works: list[Callable]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        asyncio.run(pool.run(works))
    return caught.value


def test_results_come_in_the_order_of_the_works(pool):
    assert asyncio.run(pool.run([partial(int, k) for k in range(4)])) == [0, 1, 2, 3]


def test_what_a_thread_is_at_is_finished(pool):
    assert asyncio.run(pool.run([SLOW])) == [None]


def test_what_nobody_comes_to_in_time_may_come_again_and_is_not_judged(pool):
    done: list[int] = []
    busy = refusal(pool, [SLOW, partial(done.append, 1)])
    assert busy.status == 503 and int(busy.headers["Retry-After"]) >= 1
    pool.close()
    assert not done


def test_more_than_ever_fit_is_too_large_and_more_than_fit_now_is_busy(pool):
    assert refusal(pool, [int] * 5).status == 413

    async def both() -> list:
        first = asyncio.create_task(pool.run([partial(time.sleep, 0.02)] * 3))
        await asyncio.sleep(0)
        return await asyncio.gather(first, pool.run([int] * 2), return_exceptions=True)

    first, second = asyncio.run(both())
    assert first == [None] * 3 and second.status == 503


def test_who_would_wait_too_long_is_refused_at_once(pool):
    pool._mean = 0.2  # seconds, as if photos had taken so long

    async def refused_after() -> tuple[int, float]:
        first, start = asyncio.create_task(pool.run([SLOW])), time.monotonic()
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as caught:
            await pool.run([int])
        seconds = time.monotonic() - start
        await first
        return caught.value.status, seconds

    status, seconds = asyncio.run(refused_after())
    assert status == 503 and seconds < 0.25


def test_what_fails_gives_its_place_back(pool):
    for _ in range(9):
        with pytest.raises(ZeroDivisionError):
            asyncio.run(pool.run([partial(divmod, 1, 0)]))


def test_the_cores_are_given_back():
    threads = cv2.getNumThreads()
    pool = Pool(1, 1, 1.0, Gauge("depth", "", registry=CollectorRegistry()))
    assert cv2.getNumThreads() == 1
    pool.close()
    assert cv2.getNumThreads() == threads
