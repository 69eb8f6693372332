"""How a run may end badly, and how another library is quoted."""

from __future__ import annotations


class InputError(ValueError):
    """A mistake that the user can correct; its text is the one sentence that they read."""


class Unsent(InputError):
    """Everything was computed and is on disk, and the tracking store has not taken all of it."""


class Pruned(Exception):
    """A training was given up, since others do better; its text says how far behind it was."""


class Terminated(KeyboardInterrupt):
    """SIGTERM ends a run as Ctrl-C does: what is done is on disk, and the run is marked."""


def first_line(error: BaseException) -> str:
    """What another library says in its first full line, at most 200 characters."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.endswith(":")]
    return lines[0][:200].rstrip(". ") if lines else type(error).__name__
