"""`anomaly serve` as a command: it starts, is overrun, loses a worker, and ends."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from bundles import ABOUT, SAVED, exported_bundle

from .conftest import REPOSITORY, Ended, Process

PHOTO = (SAVED / "scratch_001.png").read_bytes()
HEAVY = ("keras", "tensorflow", "mlflow", "hydra", "omegaconf", "jax", "sklearn", "matplotlib")
GIGABYTE = 2**30


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A bundle for ONNX Runtime."""
    return exported_bundle(tmp_path_factory.mktemp("model") / "onnx", reject_below=0.0)


class Service:
    """A started command, and the port that it has said."""

    def __init__(self, process: Process, until: Callable, answers: bool = True) -> None:
        self.process, self.out = process, process.files[0]
        until(lambda: "page" in self.out.read_text(), process)
        self.port = int(self.out.read_text().rsplit(":", 1)[1].strip(" /\n"))

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body)
        response = connection.getresponse()
        answer = response.status, response.read()
        connection.close()
        return answer

    def end(self) -> Ended:
        self.process.child.send_signal(signal.SIGTERM)
        return self.process.ended()


@pytest.fixture(scope="module")
def serve(start, until, model, tmp_path_factory) -> Callable[..., Service]:
    output = tmp_path_factory.mktemp("output")

    def begin(*words: object, **environment: str) -> Service:
        command = ["-m", "anomaly.cli", "serve", model, "--port", 0, "--output", output, *words]
        return Service(start(*command, **environment), until)

    return begin


@pytest.fixture(scope="module")
def service(serve) -> Iterator[Service]:
    """One that several tests disturb; in the end it has printed nothing else and ends well."""
    service = serve("--timeout", 2, "--queue", 4)
    yield service
    ended = service.end()
    assert (ended.code, ended.err) == (0, "")


def load(service: Service, clients: int, seconds: float) -> tuple[Counter, threading.Event]:
    """How often each answer came to clients that ask one after the other, and how to end them."""
    answers: Counter = Counter()
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                answers[service.ask("POST", "/inspect", PHOTO)[0]] += 1
            except ConnectionRefusedError:  # nobody listens any more
                return
            except (OSError, http.client.HTTPException) as error:
                answers[repr(error)] += 1
                return

    for thread in [threading.Thread(target=ask, daemon=True) for _ in range(clients)]:
        thread.start()
    time.sleep(seconds)
    return answers, stop


def memory(pid: int) -> int:
    """The most bytes that a process has ever held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if "VmHWM" in line))


def test_an_exported_bundle_is_served_without_what_trained_it(model, tmp_path):
    blocked = ";".join(f"sys.modules[{name!r}] = None" for name in HEAVY)
    code = f"import sys; {blocked}; from anomaly.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["serve", str(model), "--port", "0", "--output", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as child:
        lines = iter(child.stdout.readline, "")
        page = next((line for line in lines if line.startswith("page")), None)
        child.terminate()
        assert page and child.wait(30) == 0


def test_the_command_says_where_and_who_answers(service, model):
    text = service.out.read_text()
    digest = json.loads((model / "inspector.json").read_text())["digest"]
    assert f"http://127.0.0.1:{service.port}/" in text and f"bundle {digest[:12]}" in text
    status, content = service.ask("POST", "/inspect", PHOTO)
    assert status == 200 and json.loads(content)["model"]["digest"] == digest
    assert [*json.loads(content)["probabilities"]] == ABOUT.classes


def test_a_gigabyte_is_refused_at_its_head_and_never_held(service):
    before = memory(service.process.child.pid)
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        head = f"POST /inspect HTTP/1.1\r\nHost: x\r\nContent-Length: {GIGABYTE}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
        assert send_all(connection) < GIGABYTE
    assert memory(service.process.child.pid) - before < 30 * 2**20
    assert service.ask("POST", "/inspect", PHOTO)[0] == 200


def send_all(connection: socket.socket) -> int:
    """How many of a gigabyte's bytes are taken before the connection is closed."""
    sent = 0
    with suppress(OSError):
        while sent < GIGABYTE:
            sent += connection.send(b"x" * 2**20)
    return sent


def test_slow_clients_and_garbage_hold_up_nobody(service):
    slow = [socket.create_connection(("127.0.0.1", service.port), timeout=30) for _ in range(60)]
    for number, connection in enumerate(slow):
        head = b"POST /inspect HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nx"
        connection.sendall((head, b"POST /insp", bytes(range(256)) + b"\r\n\r\n", b"")[number % 4])
    start = time.monotonic()
    assert service.ask("POST", "/inspect", PHOTO)[0] == 200
    assert time.monotonic() - start < 1.5
    for number, connection in enumerate(slow):
        expected = (b" 408 ", b" 408 ", b" 400 ", b" 408 ")[number % 4]
        assert expected in connection.recv(100)
        connection.close()


def test_two_hundred_clients_get_a_verdict_or_are_asked_to_come_again(service):
    answers, stop = load(service, 200, 1.0)
    stop.set()
    time.sleep(0.5)
    assert {*answers} <= {200, 503} and answers[200]


def test_an_end_under_load_loses_no_answer(serve):
    service = serve("--queue", 16)
    answers, stop = load(service, 40, 0.7)
    ended = service.end()
    stop.set()
    assert (ended.code, ended.err) == (0, "")
    assert {*answers} <= {200, 503} and answers[200]


def test_a_worker_that_is_killed_is_replaced(serve, until):
    service = serve("--workers", 2, "--threads", 1)
    pid = service.process.child.pid
    until(lambda: service.ask("GET", "/health/ready")[0] == 200, service.process)
    first = children(pid)
    answers, stop = load(service, 4, 0.5)
    os.kill(first[0], signal.SIGKILL)
    until(lambda: len({*children(pid)} - {first[0]}) == 2, service.process)
    assert service.ask("POST", "/inspect", PHOTO)[0] == 200
    stop.set()
    figures = service.ask("GET", "/metrics")[1].decode()
    counted = sum(
        float(line.split()[-1])
        for line in figures.splitlines()
        if line.startswith("anomaly_verdicts_total")
    )
    assert counted >= answers[200]  # those of the killed one too
    assert service.end().code == 0
    assert all(
        answer == 200 or "Connection" in str(answer) or "Disconnected" in str(answer)
        for answer in answers
    )


def children(pid: int) -> list[int]:
    """The workers among the children of a process."""
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(p) for p in pids if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["--port", "{port}"], "Address already in use"),
        (["--host", "198.51.100.7"], "cannot listen at 198.51.100.7"),
        (["--host", "no.such.host.invalid"], "cannot listen at no.such.host.invalid"),
        (["--port", "70000"], "cannot listen at"),
        (["--token-file", "{folder}/none"], "cannot be read"),
        (["--token-file", "{folder}/empty"], "is empty"),
        (["--judged", "{folder}"], "no folder that `anomaly inspect` judged"),
    ],
    ids=["port", "address", "host", "no port", "no token file", "empty token", "judged"],
)
def test_what_hinders_the_start_is_one_sentence(words, sentence, service, model, tmp_path, capsys):
    from anomaly.cli import main

    (tmp_path / "empty").touch()
    filled = [word.format(port=service.port, folder=tmp_path) for word in words]
    port = [] if "--port" in words else ["--port", "0"]
    assert main(["serve", str(model), *port, *filled, "--output", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert sentence in error and error.count("error:") == error.count("\n") == 1


def test_a_damaged_bundle_or_none_does_not_start(model, tmp_path, capsys):
    from anomaly.cli import main

    shutil.copytree(model, tmp_path / "bundle")
    (tmp_path / "bundle" / "network.onnx").write_bytes(b"cut off")
    for folder, words in {"bundle": "copy it again", "none": "no such folder"}.items():
        assert main(["serve", str(tmp_path / folder), "--port", "0"]) == 1
        error = capsys.readouterr().err
        assert words in error and error.count("error:") == error.count("\n") == 1
