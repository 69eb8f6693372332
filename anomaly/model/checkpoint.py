"""The state of a long training after each epoch, so that the same command can go on from there."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

log = logging.getLogger(__name__)


@dataclass
class State:
    """All that a training needs to go on: lists of arrays by name, and the figures of its epochs."""

    epochs: list[dict[str, float]] = field(default_factory=list)
    arrays: dict[str, Sequence[np.ndarray]] = field(default_factory=dict)
    best: float = -np.inf


class Checkpoint:
    """A file that belongs to one training: `key` names everything that decides its outcome.

    Of two processes with the same training the first has the file, and the other does without.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / f"{key}.npz"
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / f"{key}.lock")
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            log.info("another process runs this very training: this one keeps no checkpoint")

    def read(self) -> State | None:
        """The last state written; None where there is none that can be read."""
        if not self._lock.is_locked or not self.path.is_file():
            return None
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                head = json.loads(str(file["head"]))
                arrays: dict[str, Sequence[np.ndarray]] = {
                    name: [file[f"{name}.{place}"] for place in range(count)]
                    for name, count in head["counts"].items()
                }
        except Exception as error:  # a damaged archive raises whatever its reader raises
            log.warning("the checkpoint %s cannot be read (%s): beginning anew", self.path, error)
            return None
        return State(head["epochs"], arrays, head["best"])

    def write(self, state: State) -> None:
        """Replace the file in one piece. A full disk stops no training."""
        if not self._lock.is_locked:
            return
        counts = {name: len(arrays) for name, arrays in state.arrays.items()}
        head = json.dumps({"epochs": state.epochs, "best": state.best, "counts": counts})
        rows: dict[str, Any] = {"head": np.array(head)}
        for name, arrays in state.arrays.items():
            rows |= {f"{name}.{place}": array for place, array in enumerate(arrays)}
        part = self.path.with_suffix(".part")
        try:
            with part.open("wb") as file:
                np.savez(file, **rows)
            os.replace(part, self.path)
        except OSError as error:
            part.unlink(missing_ok=True)
            log.warning("no checkpoint could be written to %s (%s); going on", self.path, error)

    def done(self) -> None:
        """What was learned lies elsewhere: nothing is left of the checkpoint."""
        if self._lock.is_locked:
            self.path.unlink(missing_ok=True)
            self.release()
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def release(self) -> None:
        """Leave the file to whoever runs this training next; a process that ends does so too."""
        self._lock.release()
