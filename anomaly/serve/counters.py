"""What Prometheus reads: verdicts, times, scores, refusals, and how far scores are from validate's."""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from pathlib import Path

import numpy as np
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from anomaly.inspector.about import About
from anomaly.inspector.folder.drift import FEWEST, drift
from anomaly.inspector.verdict import Verdict
from anomaly.runtime.process import gone, this

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # the folder that processes of one service share
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SCORES = (0.001, 0.01, *(tenths / 10 for tenths in range(1, 10)), 0.99, 0.999, 1)
RECENT = 200  # photos whose scores are compared with validate's


class Counters:
    """The figures of one process."""

    def __init__(self, about: About) -> None:
        self._registry = registry = CollectorRegistry()
        self.verdicts = Counter(
            "anomaly_verdicts", "photos judged", ["decision", "defect"], registry=registry
        )
        self.seconds = Histogram(
            "anomaly_seconds", "from a photo's arrival to its verdict, waiting included",
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.scores = Histogram(
            "anomaly_score", "how unlike good parts", buckets=SCORES, registry=registry
        )
        self.refused = Counter(
            "anomaly_refused",
            "requests without the answer asked for",
            ["status"],
            registry=registry,
        )
        self.queue = Gauge(
            "anomaly_queue_depth", "photos that are judged or wait for it",
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._drift = Gauge(
            "anomaly_drift_distance",
            f"largest gap, 0..1, between the scores of the last {RECENT} photos and of validate's"
            f" nearest mixture; from {FEWEST} photos on",
            registry=registry, multiprocess_mode="livemax",
        )  # fmt: skip
        self._drift.set(math.nan)
        model = Gauge(
            "anomaly_model_info", "the model that judges", ["name", "version", "digest"],
            registry=registry, multiprocess_mode="max",
        )  # fmt: skip
        model.labels(about.name, about.run["id"], about.digest).set(1)
        self._validate = about.validate
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._lock = threading.Lock()

    def count(self, verdict: Verdict, seconds: float) -> None:
        """Count a photo that was judged."""
        self.verdicts.labels(verdict.decision, verdict.defect or "").inc()
        self.seconds.observe(seconds)
        self.scores.observe(verdict.score)
        with self._lock:
            self._recent.append(verdict.score)
            recent = np.array(self._recent)
        scores, defective = self._validate
        if len(recent) >= FEWEST and len(scores):
            self._drift.set(drift(recent, scores, defective).distance)

    def text(self) -> bytes:
        """As Prometheus reads it; of all processes of the service."""
        if SHARED not in os.environ:
            return generate_latest(self._registry)
        _forget_dead(Path(os.environ[SHARED]))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry)

    def watch_process(self) -> None:
        """Add this process's memory and processor time."""
        if SHARED not in os.environ:
            ProcessCollector(registry=self._registry)


def _forget_dead(folder: Path) -> None:
    """Take the gauges of workers that were killed out of the sums."""
    host = this().rpartition(":")[0]
    for file in folder.glob("gauge_live*.db"):
        pid = file.stem.rpartition("_")[2]
        if gone(f"{host}:{pid}"):
            mark_process_dead(int(pid))
