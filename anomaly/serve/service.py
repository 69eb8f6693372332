"""The judge, the threads that it works in, and what is counted: what every route needs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np

from anomaly.data.images import photo
from anomaly.inspector import golden
from anomaly.inspector.bundle import read
from anomaly.inspector.inspector import Inspector
from anomaly.inspector.runtimes.network import KERAS
from anomaly.inspector.verdict import Verdict
from anomaly.serve.counters import Counters
from anomaly.serve.pool import Pool
from anomaly.serve.settings import Settings
from anomaly.types import Image

Answer = TypeVar("Answer")
Finish = Callable[[Image, Verdict], Answer]  # what a thread makes of a verdict
NAME = "the photo"  # in messages


@dataclass(frozen=True)
class Service:
    """Of one process."""

    settings: Settings
    inspector: Inspector
    counters: Counters
    pool: Pool
    draining: threading.Event = field(default_factory=threading.Event)

    async def inspect(
        self,
        photos: Sequence[bytes | np.ndarray],
        finish: Finish[Answer],
        threshold: float | None = None,
        counted: bool = True,
    ) -> list[Answer]:
        """What `finish` makes of the verdict on each photo; nothing of it runs in this thread.

        Raises:
            InputError: something is no photo, or the threshold is outside of 0..1.
            Refusal: there is no room, or it takes too long.
        """
        inspector = (
            self.inspector if threshold is None else self.inspector.with_threshold(threshold)
        )
        arrived = time.perf_counter()
        return await self.pool.run(
            [partial(self._judge, inspector, each, finish, arrived, counted) for each in photos]
        )

    def _judge(
        self,
        inspector: Inspector,
        content: bytes | np.ndarray,
        finish: Finish[Answer],
        arrived: float,
        counted: bool,
    ) -> Answer:
        image = photo(content, NAME)
        verdict = inspector.judge_one(image)
        answer = finish(image, verdict)
        if counted:
            self.counters.count(verdict, time.perf_counter() - arrived)
        return answer


def open_service(settings: Settings, inspector: Inspector | None = None) -> Service:
    """The service of a bundle, ready to judge.

    Raises:
        InputError: as `anomaly.inspector.bundle.read`.
    """
    inspector = inspector or load(settings)
    counters = Counters(inspector.about)
    counters.watch_process()
    # Keras' networks hold all cores for one photo.
    threads = 1 if inspector.about.runtime == KERAS else settings.threads
    seconds = inspector.judge_one(golden.drawn(0)).milliseconds / 1000  # the first took longer
    pool = Pool(threads, settings.queue, settings.seconds, counters.queue, seconds)
    return Service(settings, inspector, counters, pool)


def load(settings: Settings) -> Inspector:
    """The inspector, once it has judged: the first photo takes longer than others."""
    inspector = read(settings.bundle, threads=1)
    inspector.judge_one(golden.drawn(0))
    return inspector
