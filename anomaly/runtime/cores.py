"""Work on many items with all cores, each on an item of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import cv2
from threadpoolctl import threadpool_limits

from anomaly.runtime.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(work: Callable[[Item], Result], items: Sequence[Item], label: str = "") -> list[Result]:
    """What `work` makes of every item, in their order; a bar counts them where there is a `label`.

    Threads are enough: OpenCV and numpy let go of Python's lock while they compute.
    """
    with _single(), ThreadPoolExecutor(count()) as pool:
        results = pool.map(work, items)
        return list(track(results, label, len(items)) if label else results)


def count() -> int:
    """The cores that are ours: all, unless jobs share them (OMP_NUM_THREADS says how many)."""
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]  # it may have one for each level
    return int(told) if told.isdigit() and int(told) else os.cpu_count() or 1


@contextmanager
def _single() -> Iterator[None]:
    """OpenCV and BLAS keep to the thread that calls them; theirs and ours would share the cores."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        cv2.setNumThreads(threads)
