"""Files and folders that appear complete or not at all: written aside, then moved into place."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ASIDE = ".part"  # how the names of unfinished files end
OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)  # what a rename onto something raises


@contextmanager
def replacing(path: Path, durable: bool = False) -> Iterator[Path]:
    """A path beside `path` to write to; when the block ends, that file replaces `path`.

    A reader sees the old content or the new, never half of it, and an exception leaves the old.
    Threads and processes may write the same `path` at a time: the last one to finish wins.

    Args:
        durable: whether the content is on the disk before its name is. Without, a power cut may
            leave an empty file; with, it takes as long as the disk does.

    Raises:
        OSError: as the block or the disk raises it, naming `path`.
    """
    aside = path.with_name(f"{path.name}.{secrets.token_hex(6)}{ASIDE}")
    try:
        yield aside
        if durable:
            _flush(aside)
        os.replace(aside, path)
    except BaseException as error:
        _delete(aside)
        if isinstance(error, OSError) and str(error.filename) == str(aside):
            error.filename = str(path)  # the name that a person knows
        raise


def write_text(path: Path, text: str) -> None:
    """Replace the content of a file by `text`, as UTF-8 and with line ends as they are."""
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A path at which to make a folder; when the block ends, it is moved to `path`.

    An exception leaves nothing of it.

    Raises:
        FileExistsError: by then something else stands at `path`, which stays as it is.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as aside:
        folder = Path(aside) / path.name
        yield folder
        try:
            os.rename(folder, path)
        except OSError as error:
            if error.errno in OCCUPIED:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            raise


def delete_unfinished(path: Path) -> None:
    """Delete what killed processes left of `path`, which nobody may be writing now."""
    for aside in path.parent.glob(f"{glob.escape(path.name)}.*{ASIDE}"):
        _delete(aside)


def _delete(aside: Path) -> None:
    """With what a library keeps beside it, as SQLite does its journal."""
    for file in aside.parent.glob(f"{glob.escape(aside.name)}*"):
        with suppress(OSError):  # what went wrong before counts
            file.unlink()


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
