"""Fetches a category of MVTec AD: brought, checked, unpacked.

A broken download goes on where it stopped; nothing is unpacked before its SHA-256 is checked.
"""

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
    """The folder root/category, downloaded, checked and unpacked unless it is there already.

    Raises:
        InputError: an unknown category, a source that cannot be read, or one that is not what
            it should be; then what was downloaded of it is deleted.
        OSError: `root` cannot be written, or the disk is full.
    """
    address, expected = _choose(category, source, sha256)
    if (root / category).exists():
        _say(f"{root / category} exists and stays as it is; delete it to fetch it anew")
        return root / category
    local = _local_file(address)
    key = hashlib.sha256(address.encode()).hexdigest()[:8]  # parts of two sources must not mix
    archive = local or _bring(address, root / f"{category}-{key}.archive", ours=not source)
    try:
        _verify(archive, expected)
        _say(f"unpacking {archive}")
        folder = extract(archive, category, root)
    except InputError:
        if not local:
            archive.unlink(missing_ok=True)
        raise
    if not local:
        archive.unlink(missing_ok=True)
    return folder


def _bring(url: str, path: Path, ours: bool) -> Path:
    try:
        return download(url, path)
    except InputError as error:
        other = f"; or get the archive from {PAGE} and give it with --source" if ours else ""
        raise InputError(f"{error}{other}") from None


def _choose(category: str, source: str | None, sha256: str | None) -> tuple[str, str | None]:
    """The address to read, and the SHA-256 that its content must have, if that is known."""
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
    _say(LICENCE)
    return CATEGORIES[category].url, expected or CATEGORIES[category].sha256


def _local_file(address: str) -> Path | None:
    """The file that a source names, or None for an address on the network."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise InputError(f"--source={address}: {error}") from None
    if parts.scheme in ("http", "https"):
        return None
    if "://" in address and parts.scheme != "file":
        raise InputError(f"--source={address}: give a file, or an http, https or file address")
    path = Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(address)
    if not path.is_file():
        raise InputError(f"--source={address}: there is no such file")
    return path


def _verify(archive: Path, expected: str | None) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if expected is None:
        _say(f"{archive} is unchecked, as no --sha256 was given; its SHA-256 is {found}")
    elif found != expected:
        raise InputError(
            f"{archive} is not the expected file (SHA-256 {found}, expected {expected});"
            " try again, or give another copy with --source"
        )


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
