"""Downloading from a real server on this machine: resumed, checked, and clear when it fails."""

import hashlib
import io
import os
import random
import re
import socket
import subprocess
import sys
import tarfile
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from anomaly.data.download import fetch, official, transfer
from anomaly.data.download.__main__ import main
from anomaly.data.download.official import CATEGORIES

FILES = {"train/good/000.png": random.Random(0).randbytes(3000), "test/hole/000.png": b"hole"}


def tar_of(path: Path) -> Path:
    with tarfile.open(path, "w:xz") as tar:
        for name, data in FILES.items():
            info = tarfile.TarInfo(f"bottle/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def zip_of(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in FILES.items():
            file.writestr(f"bottle/{name}", data)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


class Handler(BaseHTTPRequestHandler):
    """Serves `page.content`; the page sets what goes wrong."""

    def do_GET(self):
        page, range_ = self.server.page, self.headers.get("Range")
        page.requested.append(range_)
        status = page.answers.pop(0) if page.answers else 200
        start = int(range_[6:-1]) if range_ and page.resumes else 0
        if status != 200:
            self.send_error(status)
        elif start >= len(page.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(page.content)}")
            self.end_headers()
        else:
            self.send(page, start, partial=bool(range_ and page.resumes))

    def send(self, page, start, partial):
        rest, end = page.content[start:], len(page.content)
        self.send_response(206 if partial else 200)
        self.send_header("Content-Length", str(len(rest)))
        if partial:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        self.end_headers()
        self.wfile.write(rest[: page.cuts.pop(0)] if page.cuts else rest)

    def log_message(self, *_):
        pass


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "PAUSE", 0)
    content = tar_of(tmp_path / "served").read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.page = SimpleNamespace(
        url=f"http://127.0.0.1:{server.server_port}/bottle.tar.xz",
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        resumes=True,
        answers=[],  # statuses of the first requests
        cuts=[],  # bytes after which the first answers break off
        requested=[],  # the Range of every request
    )
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.page
    server.shutdown()
    server.server_close()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "datasets"


def run(root, *options, category="bottle"):
    return main([category, str(root), *options])


def error_of(capsys) -> str:
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1 and lines[-1] == errors[0], "one sentence, and it comes last"
    return errors[0]


def test_a_checked_archive_becomes_a_category_and_nothing_else(page, root, capsys):
    assert run(root, "--source", page.url, "--sha256", page.sha256.upper()) == 0
    assert contents(root / "bottle") == FILES
    assert os.listdir(root) == ["bottle"]
    output = capsys.readouterr()
    assert output.out == f"{root / 'bottle'}\n" and "not checked" not in output.err


def test_an_official_category_is_checked_against_its_official_sum(page, root, monkeypatch, capsys):
    archive = official.Archive(page.url, page.sha256)
    monkeypatch.setitem(CATEGORIES, "bottle", archive)
    assert run(root) == 0 and contents(root / "bottle") == FILES
    assert "CC BY-NC-SA" in capsys.readouterr().err
    monkeypatch.setitem(CATEGORIES, "cable", official.Archive(page.url, "0" * 64))
    assert run(root, category="cable") == 1
    assert "is not the expected file" in error_of(capsys)


def test_a_source_without_a_sum_is_reported_as_not_checked(page, root, capsys):
    assert run(root, "--source", page.url) == 0
    assert f"was not checked, as no --sha256 was given; its SHA-256 is {page.sha256}" in (
        capsys.readouterr().err
    )
    assert contents(root / "bottle") == FILES


def test_a_mismatch_is_reported_and_the_file_deleted(page, root, capsys):
    assert run(root, "--source", page.url, "--sha256", "0" * 64) == 1
    assert f"SHA-256 {page.sha256}, expected {'0' * 64}" in error_of(capsys)
    assert os.listdir(root) == []


def test_a_local_archive_that_does_not_match_is_left_alone(tmp_path, page, root, capsys):
    assert run(root, "--source", str(tmp_path / "served"), "--sha256", "0" * 64) == 1
    assert "is not the expected file" in error_of(capsys)
    assert (tmp_path / "served").exists()


@pytest.mark.parametrize("make", [tar_of, zip_of])
@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_local_archive_is_unpacked_and_kept(tmp_path, root, make, form):
    path = make(tmp_path / "my copy.xyz")
    assert run(root, "--source", form.format(path)) == 0
    assert contents(root / "bottle") == FILES and path.exists()


def test_a_broken_connection_is_resumed_where_it_stopped(page, root):
    page.cuts = [1000, 1500]
    assert run(root, "--source", page.url, "--sha256", page.sha256) == 0
    assert page.requested == [None, "bytes=1000-", "bytes=2500-"]


def test_a_server_that_ignores_ranges_is_read_from_the_start(page, root):
    page.resumes, page.cuts = False, [1000]
    assert run(root, "--source", page.url, "--sha256", page.sha256) == 0
    assert page.requested == [None, "bytes=1000-"]


def test_a_later_run_resumes_the_part(page, root, monkeypatch, capsys):
    page.cuts = [1000] + [0] * 10
    assert run(root, "--source", page.url) == 1
    assert "the connection was cut" in error_of(capsys)
    (part,) = os.listdir(root)
    assert part.endswith(".part") and (root / part).stat().st_size == 1000
    page.cuts, page.requested[:] = [], []
    assert run(root, "--source", page.url, "--sha256", page.sha256) == 0
    assert page.requested == ["bytes=1000-"] and os.listdir(root) == ["bottle"]


def test_ctrl_c_keeps_the_part(page, root, monkeypatch, capsys):
    def interrupt(url, part, show):
        part.write_bytes(page.content[:1000])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(transfer, "_receive", interrupt)
        assert run(root, "--source", page.url) == 130
    assert "the same command resumes the download" in error_of(capsys)
    assert run(root, "--source", page.url, "--sha256", page.sha256) == 0
    assert page.requested == ["bytes=1000-"]


@pytest.mark.parametrize("extra, requested", [(0, 1), (7, 2)])
def test_a_part_that_is_complete_or_too_long_is_noticed(page, root, extra, requested):
    page.cuts = [0] * 4
    run(root, "--source", page.url)
    part = next(root.glob("*.part"))
    part.write_bytes(page.content + b"x" * extra)
    page.cuts, page.requested[:] = [], []
    assert run(root, "--source", page.url, "--sha256", page.sha256) == 0
    assert len(page.requested) == requested


def test_parts_of_two_sources_do_not_mix(page, root):
    page.cuts = [1000] + [0] * 10
    run(root, "--source", page.url)
    page.cuts, page.requested[:] = [], []
    assert run(root, "--source", page.url + "?other", "--sha256", page.sha256) == 0
    assert page.requested == [None]


def test_a_passing_error_is_tried_again_and_a_lasting_one_is_not(page, root, capsys):
    page.answers = [503, 429, 200]
    assert run(root, "--source", page.url) == 0
    page.answers, page.requested[:] = [404], []
    assert run(root / "else", "--source", page.url) == 1
    assert "answered 404" in error_of(capsys) and len(page.requested) == 1
    page.answers, page.requested[:] = [503] * 9, []
    assert run(root / "else", "--source", page.url) == 1
    assert "Service Unavailable" in error_of(capsys) and len(page.requested) == 4


def test_a_moved_official_archive_is_answered_with_the_download_page(
    page, root, monkeypatch, capsys
):
    monkeypatch.setitem(CATEGORIES, "bottle", official.Archive(page.url, page.sha256))
    page.answers = [404]
    assert run(root) == 1
    assert official.PAGE in error_of(capsys)


def test_no_network_is_one_sentence(root, monkeypatch, capsys):
    monkeypatch.setattr(transfer, "PAUSE", 0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert run(root, "--source", f"http://127.0.0.1:{port}/x") == 1
    assert "check the network" in error_of(capsys)


def test_a_server_that_sends_nothing_times_out(root, monkeypatch, capsys):
    monkeypatch.setattr(transfer, "PAUSE", 0)
    monkeypatch.setattr(transfer, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert run(root, "--source", f"http://127.0.0.1:{silent.getsockname()[1]}/x") == 1
    assert "timed out" in error_of(capsys)


def test_an_existing_category_is_kept_and_reported(page, root, capsys):
    (root / "bottle").mkdir(parents=True)
    (root / "bottle/mine").touch()
    assert run(root, "--source", page.url) == 0
    assert "exists and was not changed" in capsys.readouterr().err
    assert contents(root) == {"bottle/mine": b""} and page.requested == []


def test_a_bad_archive_from_the_network_is_deleted(page, root, capsys):
    page.content = page.content[:2000]
    assert run(root, "--source", page.url) == 1
    assert "damaged" in error_of(capsys) and os.listdir(root) == []


def test_a_full_disk_keeps_the_download_for_the_next_run(page, root, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device", str(root / "x"))

    with monkeypatch.context() as patch:
        patch.setattr(fetch, "extract", full)
        assert run(root, "--source", page.url) == 1
    assert "No space left on device" in error_of(capsys)
    page.requested.clear()
    assert run(root, "--source", page.url) == 0
    assert page.requested == [] and os.listdir(root) == ["bottle"]


MISTAKES = {
    "unknown category": (
        ["botle"],
        "botle is not a category of MVTec AD, which has: bottle, cable,",
    ),
    "bad sum": (["bottle", "--sha256", "12"], "64 hexadecimal digits"),
    "no file": (["bottle", "--source", "missing.zip"], "no such file"),
    "no such scheme": (["bottle", "--source", "ftp://host/x"], "give a file, or an http"),
    "no folder": (["../x", "--source", "a.zip"], "the name of a folder"),
    "no address": (["bottle", "--source", "http://[x"], "Invalid IPv6"),
}


@pytest.mark.parametrize("arguments, sentence", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_one_sentence_and_write_nothing(root, capsys, arguments, sentence):
    assert run(root, *arguments[1:], category=arguments[0]) == 1
    assert sentence in error_of(capsys)
    assert not root.exists()


def test_an_unwritable_root_is_one_sentence(tmp_path, page, capsys):
    (tmp_path / "file").touch()
    assert run(tmp_path / "file", "--source", page.url) == 1
    assert "cannot write" in error_of(capsys)


def test_the_fifteen_official_archives_have_addresses_and_sums():
    assert len(CATEGORIES) == 15
    for category, archive in CATEGORIES.items():
        assert archive.url.startswith("https://www.mydrive.ch/shares/")
        assert archive.url.endswith(f"/{category}.tar.xz")
        assert re.fullmatch("[0-9a-f]{64}", archive.sha256)


def test_the_module_runs_and_an_empty_source_counts_as_none(root):
    command = [sys.executable, "-m", "anomaly.data.download", "x", str(root), "--source", ""]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and ended.stderr.startswith("error: x is not a category")
