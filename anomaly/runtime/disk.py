"""What a disk refuses, as one sentence: why, and what to do."""

from __future__ import annotations

import errno
from pathlib import Path

REASONS = {
    errno.ENOSPC: "the disk is full; free some space or set {key}=DIR to another disk",
    errno.EDQUOT: "your disk quota is used up; free some space or set {key}=DIR elsewhere",
    errno.EFBIG: "no file may grow that large here (ulimit -f); set {key}=DIR to another disk",
    errno.EROFS: "this file system is read-only; set {key}=DIR to a folder you can write",
    errno.EACCES: "permission denied; set {key}=DIR to a folder you can write",
    errno.EPERM: "not permitted; set {key}=DIR to a folder you can write",
    errno.ENOTDIR: "a file stands where a folder is needed; set {key}=DIR to a folder",
    errno.EEXIST: "a file stands where a folder is needed; set {key}=DIR to a folder",
    errno.EISDIR: "a folder stands where a file is needed; remove it or set {key}=DIR elsewhere",
    errno.ENOENT: "it does not exist and cannot be made; set {key}=DIR to a folder you can write",
    errno.EIO: "the disk fails (input/output error); set {key}=DIR to another disk",
    errno.ESTALE: "the network drive has gone; mount it again or set {key}=DIR to another disk",
    errno.ELOOP: "its links lead in a circle; set {key}=DIR to a folder",
    errno.ENAMETOOLONG: "the name is too long; set {key}=DIR to a shorter one",
}


def sentence(error: OSError, key: str, folder: str) -> str | None:
    """Why the output folder cannot be written; None for an error that is not about it.

    Args:
        key: the setting that names the output folder.
        folder: its value as typed; empty where the default holds.
    """
    if error.errno not in REASONS or _is_elsewhere(error, folder):
        return None
    place = error.filename or f"the output folder {folder}".rstrip()
    return f"cannot write {place}: {REASONS[error.errno].format(key=key)}"


def _is_elsewhere(error: OSError, folder: str) -> bool:
    """Whether a file is missing that lies neither in the output folder nor above it: a bug."""
    if error.errno != errno.ENOENT or not error.filename:
        return False
    missing, output = Path(error.filename).absolute(), Path(folder or "outputs").absolute()
    return not (missing.is_relative_to(output) or output.is_relative_to(missing))
