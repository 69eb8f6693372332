"""Serves a trained model over HTTP, with a page for the person at the line.

MODEL is the folder of a run or of a bundle, the id of a run, NAME@ALIAS, or latest. An exported bundle, given
by its folder, needs neither TensorFlow nor MLflow. It listens on this machine alone unless --host says
otherwise. SIGTERM and Ctrl-C end it once it has answered what it accepted.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from anomaly.errors import InputError
from anomaly.inspector.about import About
from anomaly.inspector.bundle import check
from anomaly.inspector.find import bundle_of
from anomaly.runtime.cores import count
from anomaly.serve.http.server import end_well, listen, run, run_many
from anomaly.serve.service import load
from anomaly.serve.settings import Settings

TOKEN = "ANOMALY_TOKEN"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until it is told to end; returns the exit code.

    Raises:
        InputError: no such model, an address that cannot be listened at, or no token in its file.
    """
    options = _parser().parse_args(arguments)
    bundle = bundle_of(options.model, options.output, options.uri)
    about = check(bundle)
    settings = _settings(options, bundle, about)
    listener = listen(options.host, options.port)
    inspector = load(settings)
    end_well()
    print("\n".join(_lines(about, options, listener.getsockname()[1], settings)), flush=True)
    if options.workers == 1:
        run(settings, inspector, listener)
        return 0
    del inspector  # it showed that the bundle can be read; each worker reads it again
    return run_many(settings, listener, options.workers)


def _settings(options: argparse.Namespace, bundle: Path, about: About) -> Settings:
    if options.judged and not (options.judged / "index.html").is_file():
        raise InputError(f"{options.judged} is no folder that `anomaly inspect` judged")
    category = re.sub(r"[^\w.-]+", "-", about.category).strip(".") or "parts"
    return Settings(
        bundle=bundle,
        corrections=options.corrections or options.output / "corrections" / category,
        judged=options.judged,
        threads=options.threads or max(1, count() // options.workers),
        queue=options.queue,
        seconds=options.timeout,
        largest=round(options.largest * 2**20),
        token=_token(options.token_file),
    )


def _token(file: Path | None) -> str | None:
    """From its file or the environment.

    Raises:
        InputError: the file cannot be read, or there is nothing in it.
    """
    if file is None:
        return os.environ.get(TOKEN, "").strip() or None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the token file {file} cannot be read ({error})") from None
    if not token:
        raise InputError(f"the token file {file} is empty; write a long random word into it")
    return token


def _lines(about: About, options: argparse.Namespace, port: int, settings: Settings) -> list[str]:
    host = f"[{options.host}]" if ":" in options.host else options.host
    if not settings.token and not _is_loopback(options.host):
        print(
            f"warning: whoever reaches {host}:{port} may send photos and corrections;"
            " give --token-file FILE",
            file=sys.stderr,
        )
    return [
        f"model        {about.name} (run {about.run['id']}, bundle {about.digest[:12]}, {about.runtime})",
        f"corrections  {settings.corrections}",
        f"page         http://{host}:{port}/",
    ]


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("anomaly serve", description=__doc__)
    add = parser.add_argument
    add("model", metavar="MODEL", help="a run's folder or id, a bundle, or NAME@ALIAS")
    add("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    add("--port", type=int, default=8000, help="default: %(default)s; 0 takes a free one")
    add("--workers", type=_count, default=1, metavar="N", help="processes (default: 1)")
    add(
        "--threads",
        type=_count,
        metavar="N",
        help="photos at a time in each process (default: all cores)",
    )
    add(
        "--queue",
        type=_count,
        default=32,
        metavar="N",
        help="photos that may wait in each (default: 32)",
    )
    add(
        "--timeout",
        type=_positive,
        default=30.0,
        metavar="S",
        help="seconds for a photo to arrive, and for its verdict (default: 30)",
    )
    add("--largest", type=_positive, default=32.0, metavar="MB", help="of a photo (default: 32)")
    add(
        "--token-file",
        type=Path,
        metavar="FILE",
        help=f"holds the word that clients must send (or set {TOKEN})",
    )
    add(
        "--corrections",
        type=Path,
        metavar="DIR",
        help="where photos go that were judged wrongly (default: <output>/corrections/<category>)",
    )
    add(
        "--judged",
        type=Path,
        metavar="DIR",
        help="a folder that `anomaly inspect` judged, to leaf through",
    )
    add(
        "--output", type=Path, default=Path("outputs"), metavar="DIR", help="the folder of the runs"
    )
    add("--uri", help="the tracking store, if it is not <output>/mlflow.db")
    return parser


def _count(text: str) -> int:
    if text.isdigit() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 on")


def _positive(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
