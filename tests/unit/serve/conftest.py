"""The service of a tiny exported bundle, at a real socket in a thread of this process."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from uvicorn import Server

from anomaly.inspector.about import About
from anomaly.inspector.bundle import seal
from anomaly.serve.app import create
from anomaly.serve.http.server import config, listen
from anomaly.serve.settings import Settings

SAVED = Path(__file__).parents[2] / "saved"
PHOTO, GOOD = (SAVED / name for name in ("scratch_001.png", "good_001.png"))
ABOUT = About(
    kind="classifier", ensemble=False, category="demo", classes=["good", "hole", "scratch", "stain"],
    grid=64, temperature=1.0, sorting_threshold=0.35, reject_below=0.3,
    validate_scores=[0.2, 0.3, 0.4, 0.9], validate_defective=[False, False, True, True],
    figures={}, evidence="40 images", outcomes={}, versions={},
    run={"id": "0" * 32, "name": "demo-tiny"}, created="2026-11-27", runtime="onnx",
)  # fmt: skip


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
    """A bundle for ONNX Runtime, of saved/classifier as an earlier version exported it."""
    folder = tmp_path_factory.mktemp("exported") / "onnx"
    shutil.copytree(SAVED.parent / "exported", folder)
    golden = folder / "golden.json"  # what it said of drawn photos when it was exported
    seal(folder, replace(ABOUT, golden=json.loads(golden.read_text())))
    return folder


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
