"""SIGTERM, which SLURM and spot machines send some seconds before the end, and Ctrl-C.

Python drops exceptions that are raised in a garbage collection, so loops `check` for lost ones.
"""

from __future__ import annotations

import signal
import threading

from anomaly.errors import Terminated

_terminated = threading.Event()
_interrupted = threading.Event()


def raise_on_sigterm() -> None:
    """From here on SIGTERM raises `Terminated`, unless another library (submitit) handles it."""
    check()
    main = threading.current_thread() is threading.main_thread()  # only it gets signals
    if main and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _raise)


def remember_ctrl_c() -> None:
    """From here on `check` raises a Ctrl-C that was lost."""
    _interrupted.clear()
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def check() -> None:
    """Raise `Terminated` or `KeyboardInterrupt` if it was lost."""
    if _terminated.is_set():
        raise Terminated
    if _interrupted.is_set():
        raise KeyboardInterrupt


def _interrupt(number: int, frame: object) -> None:
    _interrupted.set()
    raise KeyboardInterrupt


def _raise(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not stop the run from being marked
    _terminated.set()
    raise Terminated
