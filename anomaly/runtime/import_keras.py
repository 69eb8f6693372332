"""Keeps what TensorFlow's C++ side says while it loads off the terminal, unless it fails."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Signals wait for the end of this: TensorFlow crashes where it is interrupted in loading."""
    if threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ours = {n: handler for n, handler in handlers.items() if handler is not None}  # not C's
    for number in ours:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def import_keras() -> None:
    """Import keras and its backend; their start-up notes are shown only if that fails.

    What they make lives as long as the process. The garbage collector need not look for garbage
    in it, neither now nor whenever a network is traced (a tenth of the time of a short job).
    """
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every network traced
    with tempfile.TemporaryFile() as notes:
        terminal = os.dup(2)
        os.dup2(notes.fileno(), 2)
        gc.disable()
        try:
            with _uninterrupted():
                import keras  # noqa: F401  (loading it is the purpose)
        except Exception:  # raised again, once what was said meanwhile is shown
            notes.seek(0)
            os.write(terminal, notes.read())
            raise
        finally:
            gc.freeze()
            gc.enable()
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
