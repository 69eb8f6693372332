"""Which process a run belongs to, and whether it is still running."""

from __future__ import annotations

import os
import socket


def this() -> str:
    """host:pid of this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def lives(process: str) -> bool | None:
    """Whether a process, as `this` named it, is still running; None if on another machine."""
    host, _, pid = process.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return None
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True


def gone(process: str) -> bool:
    """Whether it is known to have ended."""
    return lives(process) is False
