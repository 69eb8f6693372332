"""Downloads a category of MVTec AD: `python -m anomaly.data.download bottle datasets`.

An interrupted download is resumed; nothing is unpacked before its SHA-256 is checked.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from anomaly.data.download.fetch import fetch
from anomaly.data.download.official import CATEGORIES
from anomaly.errors import InputError

STOPPED = 130  # the exit code that shells give a program ended by Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code is 0, 1 after a failure, or 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        print(fetch(options.category, options.root, options.source or None, options.sha256 or None))
    except KeyboardInterrupt:
        return _fail("stopped by Ctrl-C; the same command resumes the download", STOPPED)
    except InputError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"cannot write {error.filename or options.root}: {error.strerror or error}")
    return 0


def _fail(sentence: str, code: int = 1) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m anomaly.data.download", description=__doc__)
    parser.add_argument("category", help="one of: " + ", ".join(CATEGORIES))
    parser.add_argument("root", type=Path, help="the folder of categories, where it is unpacked")
    parser.add_argument("--source", help="another copy: a tar or zip file, or its URL")
    parser.add_argument("--sha256", help="the SHA-256 that the source must have")
    return parser


if __name__ == "__main__":
    sys.exit(main())
