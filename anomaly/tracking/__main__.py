"""Logs runs that their tracking server did not take: python -m anomaly.tracking FOLDER [FOLDER ...]"""

from __future__ import annotations

import argparse
from pathlib import Path

from anomaly.config.explain import explained
from anomaly.tracking.sending import send


def main() -> None:
    """Send every folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m anomaly.tracking", description=__doc__)
    parser.add_argument("folder", nargs="+", type=Path, help="outputs/runs/... of a run")
    parser.add_argument(
        "--uri", help="a tracking store, if not the one that the run was recorded in"
    )
    arguments = parser.parse_args()
    for folder in arguments.folder:
        print(f"{folder}: logged as run {send(folder, arguments.uri)}")


if __name__ == "__main__":
    with explained():
        main()
