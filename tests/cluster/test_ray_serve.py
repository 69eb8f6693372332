"""A real cluster of one node: replicas answer as one, and one of them may die. Needs the extra ray."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PHOTO = (ROOT / "tests" / "saved" / "scratch_001.png").read_bytes()
REQUESTS, CLIENTS = 120, 6
OUTPUT = "output.txt"


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[subprocess.Popen]:
    """The command, whose output goes to a file in `folder`."""
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-m", "anomaly.cli", "serve-ray", *words]
    with (folder / OUTPUT).open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def port(ray_bundle, tmp_path_factory) -> Iterator[int]:
    """Of a service with two replicas."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("served")
    words = ["--replicas", "2", "--port", str(number), "--corrections", str(folder / "corrections")]
    with serving(folder, str(ray_bundle), *words) as process:
        while "page " not in (text := (folder / OUTPUT).read_text()):
            assert process.poll() is None, text
            time.sleep(0.2)
        yield number
    assert process.returncode == 0


def ask(port: int, body: bytes = PHOTO, path: str = "/inspect") -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, body)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content)


def judges() -> dict[int, int]:
    """{process: its parent} of the replicas with a model."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout
    rows = re.findall(r"^ *(\d+) +(\d+) ray::ServeReplica:anomaly:Judge", listed, re.MULTILINE)
    return {int(process): int(parent) for process, parent in rows}


def test_answers_and_refusals_are_those_of_the_service(port):
    status, verdict = ask(port)
    assert status == 200 and set(verdict["probabilities"]) == {"good", "hole", "scratch", "stain"}
    assert ask(port, b"none") == (422, {"error": "the photo: not an image"})
    assert ask(port, path="/nothing")[0] == 404


def test_no_request_is_lost_when_a_replica_is_killed(port):
    before = judges()
    assert len(before) == 2
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [pool.submit(ask, port) for _ in range(REQUESTS)]
        while sum(each.done() for each in answers) < REQUESTS // 4:
            time.sleep(0.05)
        os.kill(min(before), signal.SIGKILL)
        statuses = Counter(each.result()[0] for each in answers)
    assert statuses == {200: REQUESTS}
    deadline = time.monotonic() + 60
    while len(judges()) < 2 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert len(judges()) == 2


def test_a_port_that_is_taken_is_a_sentence(ray_bundle, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = [str(ray_bundle), "--port", str(taken.getsockname()[1])]
        with serving(tmp_path, *words) as process:
            assert process.wait(60) == 1
    assert (tmp_path / OUTPUT).read_text().startswith("error: cannot listen at 127.0.0.1")


def test_more_replicas_than_processors_are_a_sentence(ray_bundle, tmp_path):
    with serving(tmp_path, str(ray_bundle), "--replicas", "1000", "--port", "8739") as process:
        assert process.wait(60) == 1
    assert "need 1000 processors, and the cluster has" in (tmp_path / OUTPUT).read_text()
