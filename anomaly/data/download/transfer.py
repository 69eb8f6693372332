"""Brings a file from a web server: in pieces where it must, with a bar that shows how far it is."""

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
ATTEMPTS = 4  # in a row that bring nothing
PAUSE = 1.0  # seconds before the second attempt; doubled before each further one
CHUNK = 2**16  # bytes
PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that may be better the next time
TRANSIENT = (URLError, ConnectionError, TimeoutError, http.client.HTTPException, ssl.SSLError)

Show = Callable[[int, int | None], None]  # bytes done, bytes in all


def download(url: str, path: Path) -> Path:
    """Bring `url` to `path`, by way of <path>.part, which a later call goes on with.

    Raises:
        InputError: there is no such file, or the server cannot be reached.
    """
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():  # complete, but then the disk was full
        return path
    with _bar() as bar:
        task = bar.add_task(url.rpartition("/")[2], total=None)
        _persist(url, part, lambda done, total: bar.update(task, completed=done, total=total))
    os.replace(part, path)
    return path


def _persist(url: str, part: Path, show: Show) -> None:
    """Receive again and again, until all is there or several attempts in a row bring nothing."""
    failures = 0
    while True:
        before = _size(part)
        try:
            _receive(url, part, show)
            return
        except TRANSIENT as error:
            if isinstance(error, HTTPError) and error.code not in PASSING:
                raise InputError(f"{url} answered {error.code} {error.reason}") from None
            failures = 0 if _size(part) > before else failures + 1
            if failures == ATTEMPTS:
                raise InputError(_unreachable(url, error, part)) from None
            time.sleep(PAUSE * 2 ** max(failures - 1, 0))


def _receive(url: str, part: Path, show: Show) -> None:
    """One attempt: append what is missing, or start anew where the server cannot resume."""
    have = _size(part)
    range_ = {"Range": f"bytes={have}-"} if have else {}
    request = Request(
        quote(url, safe=string.punctuation), headers={"User-Agent": "anomaly-download"} | range_
    )
    try:
        response = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        _beyond_the_end(error, part, have)
        return
    with response:
        start = _start(response, have)
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            while chunk := response.read(CHUNK):
                file.write(chunk)
                show(file.tell(), total)
            file.truncate()
    if total is not None and _size(part) < total:
        raise ConnectionError("the connection was cut")


def _start(response: http.client.HTTPResponse, have: int) -> int:
    """Where in the file an answer begins: at 0, unless the server resumes."""
    if response.status != http.client.PARTIAL_CONTENT:
        return 0
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if not found or int(found[1]) > have:
        raise http.client.HTTPException("the server sent another part than was asked for")
    return int(found[1])


def _beyond_the_end(error: HTTPError, part: Path, have: int) -> None:
    """All of the file is here already, or it is another file and none of it is of use."""
    if error.headers.get("Content-Range") != f"bytes */{have}":
        part.unlink(missing_ok=True)
        raise ConnectionError("the file has changed on the server")


def _unreachable(url: str, error: Exception, part: Path) -> str:
    reason = getattr(error, "reason", None) or error
    kept = f" ({_size(part) / 1e6:.0f} MB are kept)" if _size(part) else ""
    return f"{url} cannot be read: {reason}; check the network and run the same command again{kept}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _bar() -> Progress:
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True))
