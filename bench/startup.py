"""How fast the command line answers when there is nothing to compute."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

LIMIT = 1.0  # seconds
TRIES = 5


def measure(root: Path, folder: Path) -> list[dict]:
    """Two results: printing the configuration, and refusing a typo."""
    return [
        _line("train.py --cfg job", ["--cfg", "job"]),
        _line("train.py with a typo", ["data.categry=bottle"]),
    ]


def _line(what: str, arguments: list[str]) -> dict:
    seconds = sorted(_seconds(arguments) for _ in range(TRIES))[TRIES // 2]
    return {
        "what": f"{what}: time to the answer (median of {TRIES})",
        "measured": f"{seconds:.2f} s",
        "claimed": f"under {LIMIT:.0f} s",
        "holds": seconds < LIMIT,
    }


def _seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "train.py", *arguments], capture_output=True)
    return time.perf_counter() - start
