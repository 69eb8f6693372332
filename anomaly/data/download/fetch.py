"""Downloads a category of MVTec AD, checks its SHA-256 and unpacks it."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from anomaly.data.download.archive import extract
from anomaly.data.download.official import CATEGORIES, LICENCE, PAGE
from anomaly.data.download.transfer import download
from anomaly.errors import InputError


def fetch(category: str, root: Path, source: str | None, sha256: str | None) -> Path:
    """Download, check and unpack a category, unless root/category exists; returns that folder.

    Args:
        source: a tar or zip file or its URL; None for MVTec's.
        sha256: of the archive, 64 hexadecimal digits; None for the official one, if there is no
            `source`.

    Raises:
        InputError: an unknown category, or a source that cannot be read or is not the expected
            file; a download is deleted then.
        OSError: `root` cannot be written, or the disk is full.
    """
    url, expected = _choose(category, source, sha256)
    if (root / category).exists():
        _log(f"{root / category} exists and was not changed; delete it to download it again")
        return root / category
    local = _local_file(url)
    if local:
        return _check_and_unpack(local, expected, category, root)
    key = hashlib.sha256(url.encode()).hexdigest()[:8]  # unfinished downloads of two must not mix
    archive = _download(url, root / f"{category}-{key}.archive", official=not source)
    try:
        folder = _check_and_unpack(archive, expected, category, root)
    except InputError:
        archive.unlink(missing_ok=True)
        raise
    archive.unlink(missing_ok=True)
    return folder


def _choose(category: str, source: str | None, sha256: str | None) -> tuple[str, str | None]:
    """The file or URL to read, and the SHA-256 that it must have, if that is known."""
    if sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InputError(f"--sha256 must be 64 hexadecimal digits, got {sha256!r}")
    expected = sha256.lower() if sha256 else None
    if source:
        if not re.fullmatch(r"\w[\w.-]*", category):
            raise InputError(f"CATEGORY must be the name of a folder, got {category!r}")
        return source, expected
    if category not in CATEGORIES:
        known = ", ".join(CATEGORIES)
        raise InputError(f"{category} is not a category of MVTec AD, which has: {known}")
    _log(LICENCE)
    return CATEGORIES[category].url, expected or CATEGORIES[category].sha256


def _local_file(source: str) -> Path | None:
    """The local file that a source names, or None for an http(s) URL."""
    try:
        parts = urlsplit(source)
    except ValueError as error:
        raise InputError(f"--source={source}: {error}") from None
    if parts.scheme in ("http", "https"):
        return None
    if "://" in source and parts.scheme != "file":
        raise InputError(f"--source={source}: give a file, or an http, https or file URL")
    path = Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(source)
    if not path.is_file():
        raise InputError(f"--source={source}: there is no such file")
    return path


def _download(url: str, path: Path, official: bool) -> Path:
    try:
        return download(url, path)
    except InputError as error:
        advice = f"; or get the archive from {PAGE} and give it with --source" if official else ""
        raise InputError(f"{error}{advice}") from None


def _check_and_unpack(archive: Path, expected: str | None, category: str, root: Path) -> Path:
    _check_sum(archive, expected)
    _log(f"unpacking {archive}")
    return extract(archive, category, root)


def _check_sum(archive: Path, expected: str | None) -> None:
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if expected is None:
        _log(f"{archive} was not checked, as no --sha256 was given; its SHA-256 is {actual}")
    elif actual != expected:
        raise InputError(
            f"{archive} is not the expected file (SHA-256 {actual}, expected {expected});"
            " try again, or give another copy with --source"
        )


def _log(sentence: str) -> None:
    print(sentence, file=sys.stderr)
