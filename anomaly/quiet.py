"""Keeps what TensorFlow's C++ side says while it loads off the terminal, unless it fails."""

from __future__ import annotations

import os
import sys
import tempfile


def import_keras() -> None:
    """Import keras and its backend; their start-up notes are shown only if that fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryFile() as notes:
        terminal = os.dup(2)
        os.dup2(notes.fileno(), 2)
        try:
            import keras  # noqa: F401  (loading it is the purpose)
        except BaseException:
            notes.seek(0)
            os.write(terminal, notes.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
