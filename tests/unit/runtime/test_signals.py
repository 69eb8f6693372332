"""SIGTERM that Python drops is not lost."""

from __future__ import annotations

import subprocess
import sys

DROPPED = """
import os, signal
from anomaly.runtime import signals

class Collected:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)  # what it raises here Python only prints

signals.raise_on_sigterm()
Collected()
try:
    {next}
except signals.Terminated:
    print("heeded")
"""


def test_what_was_dropped_is_raised_after_the_epoch_and_before_the_next_job():
    for word in ("signals.check()", "signals.raise_on_sigterm()"):
        command = [sys.executable, "-c", DROPPED.format(next=word)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "Exception ignored" in done.stderr and done.stdout == "heeded\n"
