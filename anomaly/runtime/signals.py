"""SIGTERM, which SLURM and spot machines send some seconds before they take the machine away."""

from __future__ import annotations

import signal
import threading

from anomaly.errors import Terminated

_told = threading.Event()


def heed() -> None:
    """From here on SIGTERM raises `Terminated`, unless somebody else (submitit) heeds it already."""
    check()
    ours = threading.current_thread() is threading.main_thread()  # which alone gets signals
    if ours and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _raise)


def check() -> None:
    """Raise what was lost: Python drops an exception that strikes inside a garbage collection."""
    if _told.is_set():
        raise Terminated


def _raise(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not cut off the marking of the run
    _told.set()
    raise Terminated
