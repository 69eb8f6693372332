"""Lists the files and folders of a tar or zip archive from an untrusted source.

Only plain files and folders with safe names are listed, and at most so many, and so many bytes, as
an archive of images can hold.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple, cast

from anomaly.errors import InputError

MAX_ENTRIES = 100_000  # files and folders in an archive
MAX_BYTES = 30 * 2**30  # unpacked; all of MVTec AD takes 5 GiB
MAX_RATIO = 50  # of unpacked to packed size; images hardly compress
ALWAYS_ALLOWED = 64 * 2**20  # bytes that even a tiny archive may unpack to
CHUNK = 2**20  # bytes
DECOMPRESSORS: dict[bytes, Callable] = {  # by the first bytes of a file
    b"\xfd7zXZ\0": lzma.open,
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
}


class Entry(NamedTuple):
    """A file or folder of an archive; its content can be read until the next entry is asked for."""

    name: str
    is_folder: bool
    content: IO[bytes] | None


class Budget:
    """Counts the bytes and entries of an archive, and refuses it when they are too many."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self.limit = min(MAX_BYTES, max(ALWAYS_ALLOWED, MAX_RATIO * archive.stat().st_size))
        self.bytes = self.entries = 0

    def add_bytes(self, count: int) -> None:
        self.bytes += count
        if self.bytes > self.limit:
            raise InputError(
                f"{self.archive} unpacks to more than {self.limit:,} bytes, too many for an"
                " archive of images of its size; refused"
            )

    def add_entry(self) -> None:
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            raise InputError(f"{self.archive} lists more than {MAX_ENTRIES} files; refused")


class _CountedStream:
    """A decompressed tar with its budget: headers are read into memory, so they count."""

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self.stream, self.budget = stream, budget

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.budget.add_bytes(len(data))
        return data


def entries(archive: Path, target: Path) -> Iterator[Entry]:
    """The entries of an archive that is to be unpacked below `target`.

    Raises:
        InputError: an unsafe entry, or too many bytes in a tar, headers included.
    """
    with archive.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"PK"):
        return _zip_entries(archive)
    decompress = (opener for magic, opener in DECOMPRESSORS.items() if start.startswith(magic))
    return _tar_entries(archive, target, next(decompress, open))


def _tar_entries(archive: Path, target: Path, opener: Callable) -> Iterator[Entry]:
    with opener(archive, "rb") as file:
        stream = _CountedStream(file, Budget(archive))
        fileobj = cast(IO[bytes], stream)
        with tarfile.open(fileobj=fileobj, mode="r|") as tar:  # never seeks, so never loops
            for member in tar:
                _check(archive, member.name, plain=member.isreg() or member.isdir())
                if hasattr(tarfile, "data_filter"):  # checks it again, since Python 3.11.4
                    tarfile.data_filter(member, str(target))
                yield Entry(member.name, member.isdir(), tar.extractfile(member))
        while stream.read(CHUNK):  # to the end, where the checksum is
            pass


def _zip_entries(archive: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            _check(archive, info.filename, plain=kind in (0, stat.S_IFREG, stat.S_IFDIR))
            if info.is_dir():
                yield Entry(info.filename, True, None)
                continue
            with file.open(info) as content:
                yield Entry(info.filename, False, content)


def _check(archive: Path, name: str, plain: bool) -> None:
    odd = "\\" in name or PureWindowsPath(name).drive or any(ord(c) < 32 for c in name)
    if odd or name.startswith("/") or ".." in PurePosixPath(name).parts:
        raise InputError(f"{archive} holds the unsafe path {name!r}; refused")
    if not plain:
        raise InputError(f"{archive} holds {name!r}, a link or device; refused")
