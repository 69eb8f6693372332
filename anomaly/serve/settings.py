"""How a service was started; sent to each of its processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What the command line asked for."""

    bundle: Path  # folder of the model
    corrections: Path  # where photos go that were judged wrongly
    judged: Path | None = None  # a folder that `anomaly inspect` judged, to leaf through
    threads: int = 1  # photos judged at a time
    queue: int = 32  # photos that may wait
    seconds: float = 30.0  # for a body to arrive, and for its answer
    largest: int = 32 * 2**20  # bytes of a body
    token: str | None = None  # that a client must send

    @property
    def megabytes(self) -> float:
        """The largest body, as people say it."""
        return self.largest / 2**20
