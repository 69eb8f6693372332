"""A content-addressed store of arrays on disk, shared by all runs and safe among processes."""

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
SLACK = 8  # an eighth of the limit may be written before the store is measured again
STALE = 3600  # seconds after which a half-written file belongs to nobody
DIGEST = 16  # bytes of checksum in front of every array


def key_of(*parts: object) -> str:
    """One name for everything that a cached array depends on."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=20).hexdigest()


class Cache:
    """Arrays by key below `root`, at most `gigabytes` of them; the least recently used go first.

    That holds at any time, so whoever needs an array that is gone has to make it again. Processes
    that write together may exceed it by an eighth each, until they next measure the store.

    Writers replace whole files, so a reader never sees half an array; an entry that fails its
    checksum counts as absent and is made anew.
    """

    keeps = True

    def __init__(self, root: Path, gigabytes: float) -> None:
        self.root = root
        self.limit = int(gigabytes * 2**30)
        self._room = 0  # bytes that may be written before the store is measured again
        self._under_way = 0  # bytes that other threads are writing
        self._lock = Lock()  # of both

    def __contains__(self, key: str) -> bool:
        """Whether there is an array, though it may turn out to be damaged."""
        return self._path(key).exists()

    def read(self, key: str) -> np.ndarray | None:
        """The array, or None where there is none that can be trusted."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        if data[:DIGEST] != _checksum(data[DIGEST:]):
            path.unlink(missing_ok=True)
            log.warning("%s is damaged, and is made anew", path)
            return None
        with suppress(FileNotFoundError):  # another process may trim it meanwhile
            os.utime(path)  # the file's time says when it was last of use
        return _array(data[DIGEST:])

    def write(self, key: str, array: np.ndarray) -> None:
        """Store an array; of two writers the later one wins, with the same content.

        One larger than the whole store is not kept.
        """
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
                    self._under_way -= len(data)

    def get(self, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """The array under `key`, made and stored where it is absent."""
        array = self.read(key)
        if array is None:
            array = make()
            self.write(key, array)
        return array

    def trim(self) -> None:
        """Delete the least recently used entries, where the store exceeds its limit."""
        with self._lock:
            self._measure(0)

    def _reserve(self, size: int) -> bool:
        """Whether there is room for so many bytes, once what is least of use has made way."""
        if size > self.limit:
            return False
        with self._lock:
            if size > self._room:
                self._measure(size)
            self._room -= size
            self._under_way += size
        return True

    def _measure(self, wanted: int) -> None:
        """Find out how much room there is; where it is too little, make a good deal of it."""
        entries = sorted(self._entries())
        total = self._under_way + sum(size for _, size, _ in entries)
        share = max(wanted, self.limit // SLACK)
        for _, size, path in entries if total + wanted > self.limit else ():
            if total + share <= self.limit:
                break
            path.unlink(missing_ok=True)
            total -= size
        self._room = min(self.limit - total, share)

    def _entries(self) -> Iterable[tuple[float, int, Path]]:
        for path in self.root.glob("*/*"):
            try:
                stat = path.stat()
            except FileNotFoundError:  # another process trims too
                continue
            if path.suffix != ASIDE or time.time() - stat.st_mtime > STALE:
                yield stat.st_mtime, stat.st_size, path

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / key


class NoCache(Cache):
    """Keeps nothing, and touches no disk: for judging single photos."""

    keeps = False

    def __init__(self) -> None:
        super().__init__(Path(os.devnull), 0)

    def __contains__(self, key: str) -> bool:
        return False

    def read(self, key: str) -> None:
        """Nothing was kept."""

    def write(self, key: str, array: np.ndarray) -> None:
        """Nothing is kept."""


def _content(array: np.ndarray) -> bytes:
    """A line of JSON, type and shape, then the numbers.

    NumPy's own format is read by Python's parser, which Python 3.11 cannot run in two threads.
    """
    if array.dtype.hasobject:
        raise ValueError("an array of objects would need pickle, which runs what it reads")
    head = json.dumps([np.lib.format.dtype_to_descr(array.dtype), array.shape])
    return head.encode() + b"\n" + np.ascontiguousarray(array).tobytes()


def _array(content: bytes) -> np.ndarray:
    head, numbers = content.split(b"\n", 1)
    fields, shape = json.loads(head)
    dtype = np.dtype(fields if isinstance(fields, str) else [tuple(field) for field in fields])
    return np.frombuffer(bytearray(numbers), dtype).reshape(shape)  # a copy, to be written to


def _checksum(data: bytes) -> bytes:
    """Of the format too: an entry in another one is none."""
    return hashlib.blake2b(data, digest_size=DIGEST, person=b"json").digest()
