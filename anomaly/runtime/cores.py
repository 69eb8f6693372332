"""Work on many items with all cores, each core on one item at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import cv2
from threadpoolctl import threadpool_limits

from anomaly.runtime.progress import track
from anomaly.runtime.share_machine import available

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(work: Callable[[Item], Result], items: Sequence[Item], label: str = "") -> list[Result]:
    """The results of `work` in the order of the items; a `label` names a progress bar.

    Threads are enough: OpenCV and numpy release Python's lock while they compute.
    """
    with _single(), ThreadPoolExecutor(count()) as pool:
        results = pool.map(work, items)
        return list(track(results, label, len(items)) if label else results)


def count() -> int:
    """Threads to use: OMP_NUM_THREADS, which jobs that share a machine set, or else all cores."""
    limit = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]  # may list one for each level
    return int(limit) if limit.isdigit() and int(limit) else available()


@contextmanager
def _single() -> Iterator[None]:
    """OpenCV and BLAS compute in the thread that calls them, since every core has one already."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        cv2.setNumThreads(threads)
