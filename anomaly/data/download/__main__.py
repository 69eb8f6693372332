"""Fetches a category of MVTec AD: `python -m anomaly.data.download bottle datasets`.

A broken download goes on where it stopped; nothing is unpacked before its SHA-256 is checked.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from anomaly.data.download.fetch import fetch
from anomaly.data.download.official import CATEGORIES
from anomaly.errors import InputError

STOPPED = 130  # what a shell calls a program ended by Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code is 0, 1 after a failure, or 130 after Ctrl-C."""
    given = _parser().parse_args(arguments)
    try:
        print(fetch(given.category, given.root, given.source or None, given.sha256 or None))
    except KeyboardInterrupt:
        return _end("stopped by Ctrl-C; the same command goes on from here", STOPPED)
    except InputError as error:
        return _end(str(error))
    except OSError as error:
        return _end(f"cannot write {error.filename or given.root}: {error.strerror or error}")
    return 0


def _end(sentence: str, code: int = 1) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m anomaly.data.download", description=__doc__)
    parser.add_argument("category", help="one of: " + ", ".join(CATEGORIES))
    parser.add_argument("root", type=Path, help="the folder of categories to put it in")
    parser.add_argument("--source", help="another copy: a tar or zip file, or its address")
    parser.add_argument("--sha256", help="what the source must hash to")
    return parser


if __name__ == "__main__":
    sys.exit(main())
