"""The service of a tiny exported bundle, at a real socket in a thread of this process."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import bundles
import pytest
from bundles import SAVED, exported_bundle
from uvicorn import Server

from anomaly.serve.app import create
from anomaly.serve.http.server import config, listen
from anomaly.serve.settings import Settings

PHOTO, GOOD = (SAVED / name for name in ("scratch_001.png", "good_001.png"))
POINT = {
    "sorting_threshold": 0.35,
    "validate_scores": [0.2, 0.3, 0.4, 0.9],
}  # such that the photos get different verdicts
ABOUT = replace(bundles.ABOUT, **POINT)


class Answer(NamedTuple):
    """Of the service."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.content)

    @property
    def error(self) -> str:
        """One sentence, and nothing else."""
        (name,) = self.json
        assert (
            name == "error" and "\n" not in self.json[name] and "Traceback" not in self.json[name]
        )
        return self.json[name]


class Client(NamedTuple):
    """Speaks to a service."""

    port: int

    def __call__(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, quote(path, safe="/?=&%."), body, named)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

    def form(self, path: str, **fields: str | bytes) -> Answer:
        """POST a form; bytes are a file."""
        parts = []
        for name, value in fields.items():
            file = '; filename="photo.png"' if isinstance(value, bytes) else ""
            head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
            parts.append(head.encode() + (value if isinstance(value, bytes) else value.encode()))
        body = b"\r\n".join([*parts, b"--edge--\r\n"])
        return self("POST", path, body, Content_Type="multipart/form-data; boundary=edge")


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Path:
    """A bundle for ONNX Runtime."""
    return exported_bundle(tmp_path_factory.mktemp("exported") / "onnx", **POINT)


@contextmanager
def serving(settings: Settings) -> Iterator[Client]:
    """A client of a service with these settings."""
    listener = listen("127.0.0.1", 0)
    server = Server(config(create(settings), settings))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield Client(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def started(exported, tmp_path_factory) -> Iterator[Callable[..., Client]]:
    """started(token="x", ...) is a client of a service with these settings; equal ones are shared."""
    running: dict[str, tuple] = {}
    folder = tmp_path_factory.mktemp("corrections")

    def start(**options: object) -> Client:
        if str(options) not in running:
            defaults = {"bundle": exported, "corrections": folder / "demo", "threads": 2}
            context = serving(Settings(**(defaults | options)))
            running[str(options)] = (context, context.__enter__())
        return running[str(options)][1]

    yield start
    for context, _ in running.values():
        context.__exit__(None, None, None)


@pytest.fixture
def client(started) -> Client:
    return started()
