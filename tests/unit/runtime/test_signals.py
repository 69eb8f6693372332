"""SIGTERM and Ctrl-C that Python drops are not lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

DROPPED = """
import signal
from anomaly.runtime import signals

class Collected:
    def __del__(self):
        signal.raise_signal(signal.{number})  # what it raises here Python only prints

{first}
Collected()
try:
    {next}
except KeyboardInterrupt:
    print("heeded")
"""


@pytest.mark.parametrize(
    "number, first, then",
    [
        ("SIGTERM", "signals.raise_on_sigterm()", "signals.check()"),
        ("SIGTERM", "signals.raise_on_sigterm()", "signals.raise_on_sigterm()"),
        ("SIGINT", "signals.remember_ctrl_c()", "signals.check()"),
    ],
)
def test_what_was_dropped_is_raised_at_the_next_look(number, first, then):
    program = DROPPED.format(number=number, first=first, next=then)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "Exception ignored" in done.stderr and done.stdout == "heeded\n"
