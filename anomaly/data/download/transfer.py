"""Downloads a file over HTTP, resuming after interruptions, with a progress bar."""

from __future__ import annotations

import http.client
import os
import re
import ssl
import string
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from anomaly.errors import InputError

TIMEOUT = 30  # seconds without a byte
ATTEMPTS = 4  # in a row without a new byte
PAUSE = 1.0  # seconds before the second attempt; doubled before each further one
CHUNK = 2**16  # bytes
RETRY_STATUSES = {408, 425, 429, 500, 502, 503, 504}
RETRY_ERRORS = (URLError, ConnectionError, TimeoutError, http.client.HTTPException, ssl.SSLError)

Show = Callable[[int, int | None], None]  # called with the bytes received, and in total if known


def download(url: str, path: Path) -> Path:
    """Download `url` to `path` by way of <path>.part, which a later call resumes.

    Raises:
        InputError: there is no such file, or the server cannot be reached.
    """
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():  # complete, but could not be unpacked, as on a full disk
        return path
    with _progress_bar() as bar:
        task = bar.add_task(url.rpartition("/")[2], total=None)
        _retry(url, part, lambda done, total: bar.update(task, completed=done, total=total))
    os.replace(part, path)
    return path


def _retry(url: str, part: Path, show: Show) -> None:
    """Receive until the file is complete or several attempts in a row bring nothing new."""
    failures = 0
    while True:
        before = _size(part)
        try:
            _receive(url, part, show)
            return
        except RETRY_ERRORS as error:
            if isinstance(error, HTTPError) and error.code not in RETRY_STATUSES:
                raise InputError(f"{url} answered {error.code} {error.reason}") from None
            failures = 0 if _size(part) > before else failures + 1
            if failures == ATTEMPTS:
                raise InputError(_unreachable(url, error, part)) from None
            time.sleep(PAUSE * 2 ** max(failures - 1, 0))


def _receive(url: str, part: Path, show: Show) -> None:
    """One attempt: append what is missing, or start from 0 if the server cannot resume."""
    received = _size(part)
    try:
        response = urlopen(_request(url, received), timeout=TIMEOUT)
    except HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        _check_complete(error, part, received)
        return
    with response:
        total = _append(response, part, _start(response, received), show)
    if total is not None and _size(part) < total:
        raise ConnectionError("the connection was cut")


def _request(url: str, received: int) -> Request:
    resume = {"Range": f"bytes={received}-"} if received else {}
    headers = {"User-Agent": "anomaly-download"} | resume
    return Request(quote(url, safe=string.punctuation), headers=headers)


def _start(response: http.client.HTTPResponse, received: int) -> int:
    """The byte at which the response begins: 0, unless the server resumes."""
    if response.status != http.client.PARTIAL_CONTENT:
        return 0
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if not match or int(match[1]) > received:
        raise http.client.HTTPException("the server sent another range than was requested")
    return int(match[1])


def _append(response: http.client.HTTPResponse, part: Path, start: int, show: Show) -> int | None:
    """Write the response to the file from byte `start` on; returns the total size, if known."""
    length = response.headers.get("Content-Length")
    total = start + int(length) if length else None
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            show(file.tell(), total)
        file.truncate()
    return total


def _check_complete(error: HTTPError, part: Path, received: int) -> None:
    """No bytes follow: the file is complete, or it is another file and must be received again."""
    if error.headers.get("Content-Range") != f"bytes */{received}":
        part.unlink(missing_ok=True)
        raise ConnectionError("the file has changed on the server")


def _unreachable(url: str, error: Exception, part: Path) -> str:
    reason = getattr(error, "reason", None) or error
    kept = f" ({_size(part) / 1e6:.0f} MB are kept)" if _size(part) else ""
    return f"{url} cannot be read: {reason}; check the network and run the same command again{kept}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _progress_bar() -> Progress:
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True))
