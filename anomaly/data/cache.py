"""A content-addressed store of arrays on disk, shared by all runs and safe among processes."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

STALE = 3600  # seconds after which a half-written file belongs to nobody
DIGEST = 16  # bytes of checksum in front of every array


def key_of(*parts: object) -> str:
    """One name for everything that a cached array depends on."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=20).hexdigest()


class Cache:
    """Arrays by key below `root`, at most `gigabytes` of them; the least recently used go first.

    Writers replace whole files, so a reader never sees half an array; an entry that fails its
    checksum counts as absent and is made anew.
    """

    def __init__(self, root: Path, gigabytes: float) -> None:
        self.root = root
        self.limit = int(gigabytes * 2**30)

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
            return None
        with suppress(FileNotFoundError):  # another process may trim it meanwhile
            os.utime(path)  # the file's time says when it was last of use
        return np.load(io.BytesIO(data[DIGEST:]), allow_pickle=False)

    def write(self, key: str, array: np.ndarray) -> None:
        """Store an array; of two writers the later one wins, with the same content."""
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            try:
                file.write(_checksum(buffer.getvalue()) + buffer.getvalue())
                file.close()
                os.replace(file.name, path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    def get(self, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """The array under `key`, made and stored where it is absent."""
        array = self.read(key)
        if array is None:
            array = make()
            self.write(key, array)
        return array

    def trim(self) -> None:
        """Delete the least recently used entries until the store fits its limit."""
        entries = sorted(self._entries())
        excess = sum(size for _, size, _ in entries) - self.limit
        for _, size, path in entries:
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size

    def _entries(self) -> Iterable[tuple[float, int, Path]]:
        for path in self.root.glob("*/*"):
            try:
                stat = path.stat()
            except FileNotFoundError:  # another process trims too
                continue
            if path.suffix != ".part" or time.time() - stat.st_mtime > STALE:
                yield stat.st_mtime, stat.st_size, path

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / key


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST).digest()
