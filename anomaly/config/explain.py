"""Turns every foreseeable failure into one sentence and an exit code; tracebacks are for bugs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from anomaly.config import refusals
from anomaly.config.command_line import output_folder
from anomaly.errors import InputError, Pruned, Terminated, Unsent
from anomaly.runtime import disk

STOPPED, TERMINATED = 130, 143  # what a shell calls a program ended by Ctrl-C, by SIGTERM


@contextmanager
def explained() -> Iterator[None]:
    """Where the user can correct a failure, print one sentence and exit; a bug keeps its traceback."""
    try:
        yield
    except Terminated:
        _exit("stopped by SIGTERM; the same command goes on from its last checkpoint", TERMINATED)
    except KeyboardInterrupt:
        _exit("stopped by Ctrl-C", STOPPED)
    except Exception as error:
        if not (explanation := sentence(error)):
            raise
        _exit(explanation)


@contextmanager
def contained(log: logging.Logger) -> Iterator[None]:
    """In a sweep a failure, even a bug, ends its own job alone; the sweep reports it at its end.

    Raises:
        InputError: in place of any other exception, since it can be sent between processes.
        Pruned, Unsent: unchanged; they are no failures.
    """
    try:
        yield
    except (Pruned, Unsent):
        raise
    except Exception as error:
        if not (explanation := sentence(error)):
            log.exception("this job failed")
            what = f"{type(error).__name__}: {error}"
            explanation = f"{what} (the traceback is in the log of its folder)"
        raise InputError(explanation) from None


def sentence(error: Exception) -> str | None:
    """What to say of a failure that the user can correct; None for a bug."""
    if isinstance(error, InputError):
        return str(error)
    if refusal := refusals.sentence(error):
        return refusal
    if isinstance(error, OSError):
        return disk.sentence(error, *output_folder(sys.argv[1:]))
    return None


def _exit(explanation: str, code: int = 1) -> None:
    print(f"error: {explanation}", file=sys.stderr)
    sys.exit(code)
