"""Failures become one sentence; what nobody foresaw keeps its traceback."""

from __future__ import annotations

import errno
import os

import pytest

from anomaly.config import explain as mistakes


def said(error: Exception, capsys) -> str:
    with pytest.raises(SystemExit), mistakes.explained():
        raise error
    return capsys.readouterr().err


@pytest.mark.parametrize("key", ["output", "hydra.run.dir"])
@pytest.mark.parametrize("number", sorted(mistakes.DISK), ids=errno.errorcode.get)
def test_what_a_disk_says_is_told_with_the_key_that_was_typed(number, key, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["train.py", f"{key}=/data/out"])
    sentence = said(OSError(number, os.strerror(number), "/data/out/runs"), capsys)
    assert sentence.startswith("error: cannot write /data/out/runs: ")
    assert f"set {key}=DIR" in sentence and "{" not in sentence


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file", "/elsewhere/settings.json"),
        OSError(errno.ECHILD, "No child processes"),
        ValueError("Config group override must be a string or a list. Got int"),
        ValueError("a bug"),
        KeyError("a bug"),
    ],
    ids=repr,
)
def test_a_bug_keeps_its_traceback(error, monkeypatch):
    monkeypatch.setattr("sys.argv", ["train.py", "output=/data/out"])
    with pytest.raises(type(error)), mistakes.explained():
        raise error
