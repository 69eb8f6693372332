"""SIGTERM that Python drops is not lost."""

from __future__ import annotations

import subprocess
import sys

DROPPED = """
import os, signal
from anomaly.runtime import signals as interrupt

class Collected:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)  # what it raises here Python only prints

interrupt.heed()
Collected()
try:
    {next}
except interrupt.Terminated:
    print("heeded")
"""


def test_what_was_dropped_is_raised_after_the_epoch_and_before_the_next_job():
    for word in ("interrupt.check()", "interrupt.heed()"):
        command = [sys.executable, "-c", DROPPED.format(next=word)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "Exception ignored" in done.stderr and done.stdout == "heeded\n"
