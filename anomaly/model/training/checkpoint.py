"""The state of a long training after each epoch, so that the same command can go on from there."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from filelock import FileLock, Timeout

from anomaly.cache import code
from anomaly.model.fingerprint import fingerprint
from anomaly.runtime.files import delete_unfinished, replacing

log = logging.getLogger(__name__)
MAKERS = (  # the code that trains, and that figures by which the best epoch is chosen
    *("data/images.py", "data/read.py", "data/truth.py", "data/split.py", "masks", "metrics"),
    *("augment", "backbone", "optimizer", "model"),
)


@dataclass
class State:
    """All that a training needs to go on: lists of arrays by name, and the figures of its epochs."""

    epochs: list[dict[str, float]] = field(default_factory=list)
    arrays: dict[str, Sequence[np.ndarray]] = field(default_factory=dict)
    best: float = -np.inf


@dataclass
class Memory:
    """The variables of a network and its optimizer, and the best weights that it has had."""

    network: keras.Model
    optimizer: keras.optimizers.Optimizer
    best: Best

    def state(self, epochs: list[dict[str, float]]) -> State:
        """Of now, whatever comes; `epochs` are the figures of those that are done."""
        arrays = {name: [np.array(v) for v in group] for name, group in self._groups().items()}
        return State(list(epochs), {**arrays, "best": self.best.weights or []}, self.best.loss)

    def restore(self, state: State) -> None:
        """Be as it was then, the draws of dropout included."""
        self.optimizer.build(self.network.trainable_variables)
        for name, group in self._groups().items():
            for variable, value in zip(group, state.arrays[name], strict=True):
                variable.assign(value)
        self.best.loss, self.best.weights = state.best, list(state.arrays["best"]) or None

    def _groups(self) -> dict[str, Sequence[keras.Variable]]:
        return {"network": self.network.variables, "optimizer": self.optimizer.variables}


class Best:
    """The weights of the best epoch, by a figure that is best when low: a loss, or minus a map."""

    def __init__(self, network: keras.Model) -> None:
        self.network = network
        self.loss = np.inf
        self.weights: list[np.ndarray] | None = None

    def see(self, loss: float) -> None:
        """Remember the weights of now if `loss` is the lowest so far."""
        if loss < self.loss:
            self.keep(loss)

    def keep(self, loss: float) -> list[np.ndarray]:
        """Remember the weights of now as the best; these are they."""
        self.loss, self.weights = loss, self.network.get_weights()
        return self.weights

    def restore(self) -> None:
        """Put the remembered weights back."""
        if self.weights is not None:
            self.network.set_weights(self.weights)


def key_of(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    arrays: Sequence[np.ndarray],
    *words: object,
) -> str:
    """One name for a training: what learns, how, from what, and whatever else decides."""
    own = {k: v for k, v in optimizer.get_config().items() if k != "name"}  # it counts optimizers
    backend = (keras.backend.backend(), keras.__version__, code.digest(*MAKERS))
    text = json.dumps([fingerprint(network), own, backend, words], sort_keys=True, default=str)
    digest = hashlib.blake2b(text.encode(), digest_size=12)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


class Checkpoint:
    """A file that belongs to one training: `key` names everything that decides its outcome.

    Of two processes with the same training the first has the file, and the other does without.
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
            log.info("another process runs this very training: this one keeps no checkpoint")

    def read(self) -> State | None:
        """The last state written; None where there is none that can be read."""
        if not self._lock.is_locked or not self.exists():
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

    def exists(self) -> bool:
        """Whether a state was written."""
        self._wait()
        return self.path.is_file()

    def write(self, state: State) -> None:
        """Replace the file in one piece, while the training goes on. A full disk stops none."""
        if self._lock.is_locked:
            self._wait()
            self._writing = self._background.submit(self._replace, state)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _replace(self, state: State) -> None:
        try:
            if not all(
                np.isfinite(each).all() for group in state.arrays.values() for each in group
            ):
                return  # the next epoch reports it; the last good state stays
            with replacing(self.path, durable=True) as aside, aside.open("wb") as file:
                np.savez(file, **_rows(state))
        except Exception as error:  # a full disk, no memory left
            log.warning("no checkpoint could be written to %s (%s); going on", self.path, error)

    def done(self) -> None:
        """What was learned lies elsewhere: nothing is left of the checkpoint."""
        if self._lock.is_locked:
            self._wait()
            self.path.unlink(missing_ok=True)
            self.release()
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def release(self) -> None:
        """Leave the file to whoever runs this training next; a process that ends does so too."""
        self._wait()
        self._lock.release()


def _rows(state: State) -> dict[str, Any]:
    counts = {name: len(arrays) for name, arrays in state.arrays.items()}
    head = json.dumps({"epochs": state.epochs, "best": state.best, "counts": counts})
    rows: dict[str, Any] = {"head": np.array(head)}
    for name, arrays in state.arrays.items():
        rows |= {f"{name}.{place}": array for place, array in enumerate(arrays)}
    return rows
