"""Loads what will be needed next while what is there is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AHEAD = 4  # items loaded before they are needed
Item = TypeVar("Item")
Loaded = TypeVar("Loaded")


def prefetched(load: Callable[[Item], Loaded], items: Sequence[Item]) -> Iterator[Loaded]:
    """What `load` gives for each item, a few ahead of their use: never all of it in memory."""
    with ThreadPoolExecutor() as pool:
        loading: deque[Future] = deque()
        for item in items:
            loading.append(pool.submit(load, item))
            if len(loading) > AHEAD:
                yield loading.popleft().result()
        while loading:
            yield loading.popleft().result()
