"""A cache of arrays on disk, which many runs can use at the same time."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock

import numpy as np

from anomaly.runtime.files import ASIDE, replacing

log = logging.getLogger(__name__)
MEASURED_AFTER = 8  # the size is measured after writing 1 / 8 of the limit
STALE = 3600  # seconds after which nobody is writing an unfinished file any more
CHECKSUM = 16  # bytes of checksum before every array


def key_of(*parts: object) -> str:
    """The key of an array, from everything that it depends on."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=20).hexdigest()


class Cache:
    """Arrays by key in files below `root`, at most `gigabytes`; the least recently used go first.

    Any array may be deleted at any time, so every user must be able to compute it again. Processes
    that write at the same time may each exceed the limit by an eighth until they measure the size.

    Files are replaced as a whole, so a reader never sees half an array; an array that does not
    match its checksum counts as absent.
    """

    keeps = True  # whether an array that was written can be read later

    def __init__(self, root: Path, gigabytes: float) -> None:
        self.root = root
        self.limit = int(gigabytes * 2**30)
        self._room = 0  # bytes that may be written before the size is measured again
        self._being_written = 0  # bytes
        self._lock = Lock()  # of both

    def __contains__(self, key: str) -> bool:
        """Whether there is an array; it may still be damaged."""
        return self._path(key).exists()

    def read(self, key: str) -> np.ndarray | None:
        """The array, or None if there is none or it is damaged."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        if data[:CHECKSUM] != _checksum(data[CHECKSUM:]):
            path.unlink(missing_ok=True)
            log.warning("%s is damaged; it was deleted and will be computed again", path)
            return None
        with suppress(FileNotFoundError):  # another process may have deleted it
            os.utime(path)  # the file's time is that of its last use
        return _array(data[CHECKSUM:])

    def write(self, key: str, array: np.ndarray) -> None:
        """Store an array, unless it is larger than the limit; of two writers the later one wins."""
        content = _content(array)
        data = _checksum(content) + content
        if self._reserve(len(data)):
            try:
                path = self._path(key)
                path.parent.mkdir(parents=True, exist_ok=True)
                with replacing(path) as aside:
                    aside.write_bytes(data)
            finally:
                with self._lock:
                    self._being_written -= len(data)

    def get(self, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """The array under `key`; if it is absent, `make` computes it and it is stored."""
        array = self.read(key)
        if array is None:
            array = make()
            self.write(key, array)
        return array

    def trim(self) -> None:
        """Delete the least recently used arrays if the cache exceeds its limit."""
        with self._lock:
            self._measure(0)

    def _reserve(self, size: int) -> bool:
        """Make room for `size` bytes by deleting old arrays; False if that is impossible."""
        if size > self.limit:
            return False
        with self._lock:
            if size > self._room:
                self._measure(size)
            self._room -= size
            self._being_written += size
        return True

    def _measure(self, size: int) -> None:
        """Measure the cache; if `size` bytes do not fit, delete until an eighth of the limit is free."""
        entries = sorted(self._entries())
        total = self._being_written + sum(bytes_ for _, bytes_, _ in entries)
        room = max(size, self.limit // MEASURED_AFTER)
        for _, bytes_, path in entries if total + size > self.limit else ():
            if total + room <= self.limit:
                break
            path.unlink(missing_ok=True)
            total -= bytes_
        self._room = min(self.limit - total, room)

    def _entries(self) -> Iterable[tuple[float, int, Path]]:
        """(time of the last use, bytes, path) of every array."""
        for path in self.root.glob("*/*"):
            try:
                stat = path.stat()
            except FileNotFoundError:  # another process deleted it
                continue
            if path.suffix != ASIDE or time.time() - stat.st_mtime > STALE:
                yield stat.st_mtime, stat.st_size, path

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / key


class NoCache(Cache):
    """A cache that stores nothing and does not touch the disk: for inspecting single photos."""

    keeps = False

    def __init__(self) -> None:
        super().__init__(Path(os.devnull), 0)

    def __contains__(self, key: str) -> bool:
        return False

    def read(self, key: str) -> None:
        """Always None."""

    def write(self, key: str, array: np.ndarray) -> None:
        """Does nothing."""


def _content(array: np.ndarray) -> bytes:
    """A line of JSON with type and shape, then the numbers.

    NumPy reads its .npy format with Python's parser, which fails in two threads in Python 3.11.
    """
    if array.dtype.hasobject:
        raise ValueError(
            "an array of objects would need pickle, which can run code when it is read"
        )
    head = json.dumps([np.lib.format.dtype_to_descr(array.dtype), array.shape])
    return head.encode() + b"\n" + np.ascontiguousarray(array).tobytes()


def _array(content: bytes) -> np.ndarray:
    head, numbers = content.split(b"\n", 1)
    fields, shape = json.loads(head)
    dtype = np.dtype(fields if isinstance(fields, str) else [tuple(field) for field in fields])
    return np.frombuffer(bytearray(numbers), dtype).reshape(shape)  # a writable copy


def _checksum(data: bytes) -> bytes:
    """It includes the format, so that a file in another format counts as damaged."""
    return hashlib.blake2b(data, digest_size=CHECKSUM, person=b"json").digest()
