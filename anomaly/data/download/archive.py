"""Unpacks one category of a data set from a tar or zip archive from an untrusted source.

Our code writes every byte, so no owner, mode, link or device comes from the archive, and nothing
appears at the target before all of it is there.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from anomaly.data.download.entries import CHUNK, Budget, Entry, entries
from anomaly.errors import InputError
from anomaly.runtime.files import new_folder
from anomaly.types import GOOD

CORRUPTION = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
UNSUPPORTED = (RuntimeError, NotImplementedError)  # zipfile's errors for passwords and methods


def extract(archive: Path, category: str, root: Path) -> Path:
    """Unpack the folder `category` to root/category, completely or not at all.

    The folder may lie at the archive's top or in one other folder; everything else is skipped.

    Raises:
        InputError: the archive is damaged, unsafe, too large, without the category, or not in the
            layout of MVTec AD; or root/category exists.
        OSError: `root` cannot be written, or the disk is full.
    """
    root.mkdir(parents=True, exist_ok=True)
    target = root / category
    try:
        with new_folder(target) as folder:
            with _corruption_explained(archive):
                _unpack(archive, category, folder)
            _check_layout(archive, category, folder)
    except FileExistsError:
        raise InputError(
            f"{target} was created by another process meanwhile; it was left as it is"
        ) from None
    return target


@contextmanager
def _corruption_explained(archive: Path) -> Iterator[None]:
    """Turns the errors of decoders into one sentence about the archive."""
    try:
        yield
    except CORRUPTION as error:
        raise InputError(f"{archive} is damaged or not a tar or zip file ({error})") from None
    except UNSUPPORTED as error:
        raise InputError(f"{archive} cannot be unpacked ({error})") from None
    except OSError as error:
        if error.errno is not None:  # an error of the disk, not of the archive
            raise
        raise InputError(f"{archive} is damaged ({error})") from None


def _check_layout(archive: Path, category: str, folder: Path) -> None:
    if not ((folder / "train" / GOOD).is_dir() and (folder / "test").is_dir()):
        raise InputError(f"{archive} holds no folder {category} with train/{GOOD} and test in it")


def _unpack(archive: Path, category: str, folder: Path) -> None:
    budget = Budget(archive)
    for entry in entries(archive, folder):
        budget.add_entry()
        place = _place(entry.name, category)
        if place is None:
            continue
        try:
            _write(folder / place, entry, budget)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise InputError(f"{archive} holds {entry.name!r} twice; refused") from None


def _place(name: str, category: str) -> PurePosixPath | None:
    """The path of an entry inside the category, or None if it belongs to something else."""
    parts = PurePosixPath(name).parts
    for depth in (0, 1):
        if parts[depth : depth + 1] == (category,):
            return PurePosixPath(*parts[depth + 1 :])
    return None


def _write(path: Path, entry: Entry, budget: Budget) -> None:
    if entry.is_folder or entry.content is None:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        while chunk := entry.content.read(CHUNK):
            budget.add_bytes(len(chunk))
            file.write(chunk)
