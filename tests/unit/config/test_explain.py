"""Failures become one sentence; what nobody foresaw keeps its traceback."""

from __future__ import annotations

import errno
import logging
import os
from multiprocessing import Pipe

import pytest

from anomaly.config.explain import contained, explained
from anomaly.errors import InputError, Pruned, Terminated, Unsent
from anomaly.runtime import disk


def answer(error: BaseException, capsys) -> tuple[str, int]:
    """What is printed, and the exit code."""
    with pytest.raises(SystemExit) as caught, explained():
        raise error
    return capsys.readouterr().err, caught.value.code


@pytest.mark.parametrize("key", ["output", "hydra.run.dir"])
@pytest.mark.parametrize("number", sorted(disk.REASONS), ids=errno.errorcode.get)
def test_what_a_disk_refuses_is_explained_by_the_key_that_was_typed(
    number, key, capsys, monkeypatch
):
    monkeypatch.setattr("sys.argv", ["train.py", f"{key}=/data/out"])
    error = OSError(number, os.strerror(number), "/data/out/runs")
    sentence, code = answer(error, capsys)
    assert sentence.startswith("error: cannot write /data/out/runs: ") and code == 1
    assert f"set {key}=DIR" in sentence and "{" not in sentence


@pytest.mark.parametrize(
    ("error", "code"),
    [(InputError("a mistake"), 1), (KeyboardInterrupt(), 130), (Terminated(), 143)],
    ids=repr,
)
def test_a_run_that_is_refused_or_stopped_exits_as_shells_expect(error, code, capsys):
    assert answer(error, capsys)[1] == code


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
    with pytest.raises(type(error)), explained():
        raise error


def test_in_a_sweep_a_bug_becomes_a_sentence_that_processes_can_send(caplog):
    with pytest.raises(InputError) as caught, contained(logging.getLogger("job")):
        raise KeyError("a bug")
    assert str(caught.value).startswith("KeyError: 'a bug' (the traceback is in the log")
    here, there = Pipe()
    here.send(caught.value)  # as launchers send it
    assert str(there.recv()) == str(caught.value)
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("error", [Pruned("behind"), Unsent("the server is away")], ids=repr)
def test_in_a_sweep_what_is_no_failure_is_passed_on(error):
    with pytest.raises(type(error)) as caught, contained(logging.getLogger("job")):
        raise error
    assert caught.value is error
