"""Imports Keras without the notes that TensorFlow's C++ code prints, unless it fails."""

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
    """Delay signals to the end of the block: TensorFlow crashes when it is interrupted in loading."""
    if threading.current_thread() is not threading.main_thread():  # only it gets signals
        yield
        return
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = {n: handler for n, handler in handlers.items() if handler is not None}  # not C's
    for number in handlers:
        signal.signal(number, lambda number, frame: received.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if received:
        signal.raise_signal(received[0])


def import_keras() -> None:
    """Import keras and its backend; their start-up notes are shown only if that fails.

    Their objects live as long as the process, so the garbage collector is told to skip them: else
    it walks through them at every tracing of a network (a tenth of the time of a short job).
    """
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns at every tracing
    with tempfile.TemporaryFile() as notes:
        terminal = os.dup(2)
        os.dup2(notes.fileno(), 2)
        gc.disable()
        try:
            with _uninterrupted():
                import keras  # noqa: F401  (loading it is the purpose)
        except Exception:  # raised again, after the notes are shown
            notes.seek(0)
            os.write(terminal, notes.read())
            raise
        finally:
            gc.freeze()
            gc.enable()
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
