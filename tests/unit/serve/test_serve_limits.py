"""What a client may send, and who may."""

from __future__ import annotations

import json
import socket
import time

import pytest

from .conftest import PHOTO

SCRATCH = PHOTO.read_bytes()
LARGEST = 200_000


@pytest.fixture
def small(started):
    return started(largest=LARGEST, seconds=0.6)


def raw(client, *parts: bytes, pause: float = 0.0) -> bytes:
    """All that is answered to these bytes."""
    with socket.create_connection(("127.0.0.1", client.port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    return answer


def head(*lines: str) -> bytes:
    return "\r\n".join(["POST /inspect HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def status_and_error(answer: bytes) -> tuple[int, str]:
    start, _, body = answer.partition(b"\r\n\r\n")
    return int(start.split()[1]), json.loads(body)["error"]


def test_a_photo_that_is_too_large_is_refused_at_its_length(small):
    answer = small("POST", "/inspect", b"x" * (LARGEST + 1))
    assert answer.status == 413 and "at most" in answer.error
    assert small("POST", "/inspect", b"x" * LARGEST).status == 422


def test_one_that_hides_its_length_is_refused_as_it_comes(small):
    chunk = b"%x\r\n%s\r\n" % (50_000, b"x" * 50_000)
    answer = raw(
        small, head("Transfer-Encoding: chunked", "Connection: close"), *[chunk] * 6, b"0\r\n\r\n"
    )
    assert status_and_error(answer)[0] == 413


def test_one_that_lies_about_its_length_gets_what_http_says(small):
    longer = raw(small, head("Content-Length: 5", "Connection: close"), b"x" * 5000)
    assert status_and_error(longer)[0] == 422
    assert b"400" in raw(small, head("Content-Length: -5")).split(b"\r\n")[0]


def test_an_answer_is_read_by_a_client_that_sends_everything_first(small):
    answer = raw(small, head("Content-Length: 20000000"), b"x" * 20_000_000)
    assert status_and_error(answer)[0] == 413


def test_who_asks_first_sends_nothing_in_vain(small):
    start = time.monotonic()
    answer = raw(small, head("Content-Length: 20000000", "Expect: 100-continue"))
    assert answer.startswith(b"HTTP/1.1 413") and time.monotonic() - start < 2


def test_a_slow_body_is_given_up(small):
    parts = [head("Content-Length: 1000"), b"x" * 10, b"x" * 10, b"x" * 10]
    assert status_and_error(raw(small, *parts, pause=0.25))[0] == 408


def test_a_slow_head_is_given_up(small):
    assert status_and_error(raw(small, b"POST /inspect HT"))[0] == 408


def test_garbage_is_answered_in_one_sentence(small):
    garbage = bytes(range(256)) * 20
    assert status_and_error(raw(small, garbage))[0] == 400
    assert (
        status_and_error(raw(small, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 TLS\r\n\r\n"))[0]
        == 400
    )


def test_a_client_that_goes_away_disturbs_nobody(small):
    with socket.create_connection(("127.0.0.1", small.port)) as connection:
        connection.sendall(head("Content-Length: 1000") + b"x" * 10)
    assert small("POST", "/inspect", SCRATCH).status == 200


@pytest.mark.parametrize("token", ["sesame", "Schlüssel 開"])
def test_a_token_opens_everything_but_health_and_the_empty_page(started, token):
    client = started(token=token)
    for path in ("/health/live", "/health/ready", "/v2/health/ready", "/", "/page.js", "/page.css"):
        assert client("GET", path).status == 200
    for path in (
        "/metrics",
        "/model.json",
        "/docs",
        "/openapi.json",
        "/judged/",
        "/v2",
        "/nowhere",
    ):
        refused = client("GET", path)
        assert refused.status == 401 and refused.headers["www-authenticate"] == "Bearer"
        assert "token" in refused.error
    bearer = f"Bearer {token}".encode().decode("latin-1")
    assert client("POST", "/inspect", SCRATCH, Authorization=bearer).status == 200
    assert client("POST", "/inspect", SCRATCH, Authorization="Bearer other").status == 401
    assert client("POST", "/inspect", SCRATCH, Authorization="Basic x").status == 401


def test_the_page_sends_the_token_as_a_cookie(started):
    client = started(token="a b;c")
    assert client("GET", "/model.json", Cookie="other=1; anomaly_token=a%20b%3Bc").status == 200
    assert client("GET", "/model.json", Cookie="anomaly_token=a").status == 401
