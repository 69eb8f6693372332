"""Unpacks one category from a tar or zip file that nobody vouches for.

Only plain files and folders are taken, their bytes are written by us (so no owner, mode, link or
device of the archive counts), and nothing shows up in its place before all of it is there.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, cast

from anomaly.errors import InputError
from anomaly.runtime.files import new_folder
from anomaly.types import GOOD

ENTRIES = 100_000  # files and folders that an archive may list
BYTES = 30 * 2**30  # that it may unpack to; all of MVTec AD takes 5
RATIO = 50  # times its own size; images hardly compress
SLACK = 64 * 2**20  # bytes that even a tiny archive may unpack to
CHUNK = 2**20
OPENERS: dict[bytes, Callable] = {
    b"\xfd7zXZ\0": lzma.open,
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
}
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
UNSUPPORTED = (RuntimeError, NotImplementedError)  # what zipfile says of passwords and methods

Entry = tuple[str, bool, IO[bytes] | None]  # name, whether it is a folder, content


def extract(archive: Path, category: str, root: Path) -> Path:
    """Unpack the folder `category` to root/category, completely or not at all.

    The folder may lie at the archive's top or in one other folder; what lies elsewhere is left.

    Raises:
        InputError: no archive, damaged, unsafe, too large, without the category, or not in the
            layout of MVTec AD; or root/category exists.
        OSError: `root` cannot be written, or the disk is full.
    """
    root.mkdir(parents=True, exist_ok=True)
    target = root / category
    try:
        with new_folder(target) as folder:
            with _damage_of(archive):
                _unpack(archive, category, folder)
            if not ((folder / "train" / GOOD).is_dir() and (folder / "test").is_dir()):
                raise InputError(
                    f"{archive} holds no folder {category} with train/{GOOD} and test in it"
                )
    except FileExistsError:
        raise InputError(f"{target} has appeared meanwhile; it was left as it is") from None
    return target


@contextmanager
def _damage_of(archive: Path) -> Iterator[None]:
    """Turn what decoders raise about bad archives into one sentence."""
    try:
        yield
    except DAMAGE as error:
        raise InputError(f"{archive} is damaged or no tar or zip file ({error})") from None
    except UNSUPPORTED as error:
        raise InputError(f"{archive} cannot be unpacked ({error})") from None
    except OSError as error:
        if error.errno is not None:  # the disk's, not the archive's
            raise
        raise InputError(f"{archive} is damaged ({error})") from None


class _Budget:
    """Counts what an archive unpacks to, and ends it when it is beyond belief."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self.bytes = min(BYTES, max(SLACK, RATIO * archive.stat().st_size))
        self.entries = ENTRIES

    def spend(self, count: int) -> None:
        self.bytes -= count
        if self.bytes < 0:
            raise InputError(f"{self.archive} unpacks to implausibly many bytes; refused")

    def enter(self) -> None:
        self.entries -= 1
        if self.entries < 0:
            raise InputError(f"{self.archive} lists more than {ENTRIES} files; refused")


class _Metered:
    """A decompressed stream on a budget of its own: headers are read to memory, so they count."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self.stream, self.budget = stream, budget

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.budget.spend(len(data))
        return data


def _unpack(archive: Path, category: str, folder: Path) -> None:
    budget = _Budget(archive)
    with archive.open("rb") as file:
        magic = file.read(6)
    opener: Callable = next((o for m, o in OPENERS.items() if magic.startswith(m)), open)
    zipped = magic.startswith(b"PK")
    entries = _zip_entries(archive) if zipped else _tar_entries(archive, folder, opener)
    for name, is_folder, content in entries:
        budget.enter()
        place = _place(name, category)
        if place is None:
            continue
        try:
            _store(folder / place, is_folder, content, budget)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise InputError(f"{archive} holds {name!r} twice; refused") from None


def _store(path: Path, is_folder: bool, content: IO[bytes] | None, budget: _Budget) -> None:
    if is_folder or content is None:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        while chunk := content.read(CHUNK):
            budget.spend(len(chunk))
            file.write(chunk)


def _place(name: str, category: str) -> PurePosixPath | None:
    """Where an entry belongs in the category, or None where it belongs to something else."""
    parts = PurePosixPath(name).parts
    for depth in (0, 1):
        if parts[depth : depth + 1] == (category,):
            return PurePosixPath(*parts[depth + 1 :])
    return None


def _tar_entries(archive: Path, folder: Path, opener: Callable) -> Iterator[Entry]:
    with opener(archive, "rb") as stream:
        metered = _Metered(stream, _Budget(archive))
        fileobj = cast(IO[bytes], metered)
        with tarfile.open(fileobj=fileobj, mode="r|") as tar:  # never seeks, so never loops
            for member in tar:
                _refuse(archive, member.name, plain=member.isreg() or member.isdir())
                if hasattr(tarfile, "data_filter"):  # a second opinion, since Python 3.11.4
                    tarfile.data_filter(member, str(folder))
                yield member.name, member.isdir(), tar.extractfile(member)
        while metered.read(CHUNK):  # the checksum comes last
            pass


def _zip_entries(archive: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            _refuse(archive, info.filename, plain=kind in (0, stat.S_IFREG, stat.S_IFDIR))
            if info.is_dir():
                yield info.filename, True, None
                continue
            with file.open(info) as content:
                yield info.filename, False, content


def _refuse(archive: Path, name: str, plain: bool) -> None:
    odd = "\\" in name or PureWindowsPath(name).drive or any(ord(c) < 32 for c in name)
    if odd or name.startswith("/") or ".." in PurePosixPath(name).parts:
        raise InputError(f"{archive} holds the unsafe path {name!r}; refused")
    if not plain:
        raise InputError(f"{archive} holds {name!r}, a link or device; refused")
