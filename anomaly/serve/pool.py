"""Judges so many photos at a time, each in one thread, and lets so many wait."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import cv2
from prometheus_client import Gauge
from threadpoolctl import threadpool_limits

from anomaly.serve.http.refusals import Refusal

Result = TypeVar("Result")
NEWEST = 0.2  # weight of the last photo in the mean time of one


class Pool:
    """Threads with a bounded queue in front. Two photos at a time in one network would be slower."""

    def __init__(
        self, threads: int, queue: int, seconds: float, depth: Gauge, one: float = 0.1
    ) -> None:
        """`one` is how many seconds a photo takes, as far as it is known."""
        self._threads, self._places, self._seconds, self._depth = (
            threads,
            threads + queue,
            seconds,
            depth,
        )
        self._executor = ThreadPoolExecutor(threads, "judge")
        self._taken, self._mean, self._lock = 0, one, threading.Lock()
        self._opencv, self._blas = cv2.getNumThreads(), threadpool_limits(1, "blas")
        cv2.setNumThreads(1)  # every core has a photo already

    async def run(self, works: Sequence[Callable[[], Result]]) -> list[Result]:
        """What each work returns, in their order.

        Raises:
            Refusal: there is no room for all of them, or nobody comes to one in time.
        """
        self._take(len(works))
        futures = [self._submit(work) for work in works]
        wrapped = [asyncio.wrap_future(future) for future in futures]
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.gather(*map(asyncio.shield, wrapped))
        except TimeoutError:
            if any(future.cancel() for future in futures):  # nobody came to it
                raise self._busy from None
            # A thread is at each of them: it ends soon, and what it writes is written.
            return await asyncio.gather(*wrapped)
        finally:
            for future in futures:  # what still waits need not be judged
                future.cancel()

    def expect_room(self, count: int = 1) -> None:
        """Refuse at once what would be refused after its body has arrived.

        Raises:
            Refusal: there is no room.
        """
        if count > self._places:
            raise Refusal(413, f"at most {self._places} photos are taken at a time, got {count}")
        if self._taken + count > self._places or self._wait > self._seconds:
            raise self._busy

    def close(self) -> None:
        """Finish what was taken, and give the cores back."""
        self._executor.shutdown()
        cv2.setNumThreads(self._opencv)
        self._blas.restore_original_limits()

    @property
    def _wait(self) -> float:
        """Seconds until all are judged that are here."""
        return self._taken * self._mean / self._threads

    @property
    def _busy(self) -> Refusal:
        wait = max(1, math.ceil(self._wait))
        sentence = f"{self._taken} photos wait already; try again in {wait} s"
        return Refusal(503, sentence, Retry_After=str(wait))

    def _take(self, count: int) -> None:
        with self._lock:
            self.expect_room(count)
            self._taken += count
            self._depth.set(self._taken)

    def _submit(self, work: Callable[[], Result]) -> Future[Result]:
        future = self._executor.submit(self._timed, work)
        future.add_done_callback(self._leave)
        return future

    def _leave(self, future: Future) -> None:
        with self._lock:
            self._taken -= 1
            self._depth.set(self._taken)

    def _timed(self, work: Callable[[], Result]) -> Result:
        start = time.perf_counter()
        try:
            return work()
        finally:
            self._mean += NEWEST * (time.perf_counter() - start - self._mean)
