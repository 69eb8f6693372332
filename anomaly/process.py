"""Which process a run belongs to, and whether it still lives."""

from __future__ import annotations

import os
import socket


def this() -> str:
    """host:pid of this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def gone(process: str) -> bool:
    """Whether a process of this machine, as `this` named it, has ended; of another's nothing is known."""
    host, _, pid = process.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's, so it lives
        return False
    return False
