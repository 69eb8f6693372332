"""The file of a training's last snapshot, so that the same command continues after a kill."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
from filelock import FileLock, Timeout

from anomaly.cache import code
from anomaly.model.fingerprint import fingerprint
from anomaly.model.training.state import Snapshot
from anomaly.runtime.files import delete_unfinished, replacing

log = logging.getLogger(__name__)
MAKERS = (  # the code that trains, and that computes the figures by which the best epoch is chosen
    *("data/images.py", "data/read.py", "data/truth.py", "data/split.py", "masks", "metrics"),
    *("augment", "backbone", "optimizer", "model"),
)


def key_of(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    arrays: Sequence[np.ndarray],
    *settings: object,
) -> str:
    """A name for a training: equal keys have the same network, optimizer, data, code and settings."""
    config = {
        k: v for k, v in optimizer.get_config().items() if k != "name"
    }  # it numbers optimizers
    backend = (keras.backend.backend(), keras.__version__, code.digest(*MAKERS))
    parts = [fingerprint(network), config, backend, settings]
    digest = hashlib.blake2b(
        json.dumps(parts, sort_keys=True, default=str).encode(), digest_size=12
    )
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


class Checkpoint:
    """The snapshot file of one training: `key` names everything that decides the outcome.

    Of two processes that run the same training, the first locks the file, and the other trains
    without a checkpoint.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / f"{key}.npz"
        folder.mkdir(parents=True, exist_ok=True)
        self._background = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        self._lock = FileLock(folder / f"{key}.lock")
        try:
            self._lock.acquire(blocking=False)
            delete_unfinished(self.path)
        except Timeout:
            log.info("another process runs the same training: this one writes no checkpoints")

    def read(self) -> Snapshot | None:
        """The last snapshot; None if there is none, or none that can be read."""
        if not self._lock.is_locked or not self.exists():
            return None
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                return _unpacked(file)
        except Exception as error:  # a damaged archive raises whatever its reader raises
            log.warning(
                "the checkpoint %s cannot be read (%s): training starts over", self.path, error
            )
            return None

    def exists(self) -> bool:
        """Whether a snapshot was written."""
        self._wait()
        return self.path.is_file()

    def write(self, snapshot: Snapshot) -> None:
        """Replace the file as a whole, in the background. A full disk does not stop the training."""
        if self._lock.is_locked:
            self._wait()
            self._writing = self._background.submit(self._replace, snapshot)

    def delete(self) -> None:
        """Remove the file and its lock: the training is over, and its result saved elsewhere."""
        if self._lock.is_locked:
            self._wait()
            self.path.unlink(missing_ok=True)
            self.release()
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def release(self) -> None:
        """Unlock the file for the next process; one that ends does so by itself."""
        self._wait()
        self._lock.release()

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _replace(self, snapshot: Snapshot) -> None:
        try:
            if not snapshot.is_finite():
                return  # the next epoch reports it; the last finite snapshot stays
            with replacing(self.path, durable=True) as aside, aside.open("wb") as file:
                np.savez(file, **_packed(snapshot))
        except Exception as error:  # a full disk, no memory left
            log.warning(
                "no checkpoint could be written to %s (%s); training continues", self.path, error
            )


def _packed(snapshot: Snapshot) -> dict[str, Any]:
    """The arrays of the file: `head` is JSON, and `NAME.k` is array k of group NAME."""
    counts = {name: len(group) for name, group in snapshot.arrays.items()}
    head = {"epochs": snapshot.epochs, "best": snapshot.best_loss, "counts": counts}
    arrays: dict[str, Any] = {"head": np.array(json.dumps(head))}
    for name, group in snapshot.arrays.items():
        arrays |= {f"{name}.{place}": array for place, array in enumerate(group)}
    return arrays


def _unpacked(file: Mapping[str, np.ndarray]) -> Snapshot:
    head = json.loads(str(file["head"]))
    arrays: dict[str, Sequence[np.ndarray]] = {
        name: [file[f"{name}.{place}"] for place in range(count)]
        for name, count in head["counts"].items()
    }
    return Snapshot(head["epochs"], arrays, head["best"])
