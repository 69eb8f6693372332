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
from pathlib import Path

import pytest

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PHOTO = (ROOT / "tests" / "saved" / "scratch_001.png").read_bytes()
REQUESTS, CLIENTS = 120, 6


def serving(words: list[str]) -> subprocess.Popen:
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-m", "anomaly.cli", "serve-ray", *words]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture(scope="module")
def service(ray_bundle, tmp_path_factory) -> Iterator[tuple[subprocess.Popen, int]]:
    """The process of a service with two replicas, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    corrections = str(tmp_path_factory.mktemp("corrections"))
    words = [str(ray_bundle), "--replicas", "2", "--port", str(port), "--corrections", corrections]
    process = serving(words)
    assert process.stdout and process.stderr
    lines = [process.stdout.readline() for _ in range(2)]
    assert "page" in lines[-1], process.stderr.read()
    yield process, port
    process.terminate()
    assert process.wait(60) == 0


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


def test_answers_and_refusals_are_those_of_the_service(service):
    _, port = service
    status, verdict = ask(port)
    assert status == 200 and set(verdict["probabilities"]) == {"good", "hole", "scratch", "stain"}
    assert ask(port, b"none") == (422, {"error": "the photo: not an image"})
    assert ask(port, path="/nothing")[0] == 404


def test_no_request_is_lost_when_a_replica_is_killed(service):
    _, port = service
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


def test_what_cannot_be_served_is_a_sentence(ray_bundle):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = serving([str(ray_bundle), "--port", port])
        assert "cannot listen at 127.0.0.1" in process.communicate(timeout=60)[1]
    assert process.returncode == 1


def test_more_replicas_than_processors_are_a_sentence(ray_bundle):
    process = serving([str(ray_bundle), "--replicas", "1000", "--port", "8739"])
    assert "need 1000 processors, and the cluster has" in process.communicate(timeout=60)[1]
    assert process.returncode == 1
