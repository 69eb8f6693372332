"""SIGTERM, which SLURM and spot machines send some seconds before they take the machine away."""

from __future__ import annotations

import signal
import threading

from anomaly.errors import Terminated

_terminated = threading.Event()


def raise_on_sigterm() -> None:
    """From here on SIGTERM raises `Terminated`, unless another library (submitit) handles it."""
    check()
    main = threading.current_thread() is threading.main_thread()  # only it gets signals
    if main and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _raise)


def check() -> None:
    """Raise `Terminated` if it was lost: Python drops exceptions raised in a garbage collection."""
    if _terminated.is_set():
        raise Terminated


def _raise(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not stop the run from being marked
    _terminated.set()
    raise Terminated
