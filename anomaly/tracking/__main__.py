"""Logs runs that their tracking server missed: python -m anomaly.tracking FOLDER [FOLDER ...]"""

from __future__ import annotations

import argparse
from pathlib import Path

from anomaly.config import explain as mistakes
from anomaly.tracking.sending import send


def main() -> None:
    """Parse the command line and send every folder."""
    parser = argparse.ArgumentParser(prog="python -m anomaly.tracking", description=__doc__)
    parser.add_argument("folder", nargs="+", type=Path, help="outputs/runs/... of a run")
    parser.add_argument("--uri", help="another tracking store than the run's own")
    given = parser.parse_args()
    for folder in given.folder:
        print(f"{folder}: logged as run {send(folder, given.uri)}")


if __name__ == "__main__":
    with mistakes.explained():
        main()
