"""Serves a trained model on Ray Serve: the routes of `anomaly serve`, in replicas on all machines of a cluster.

MODEL is the folder of an exported bundle, at the same path on every machine. Without --address, a cluster
starts on this machine and ends with the command. A photo whose replica dies is judged by another one.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import ray
from ray import serve

from anomaly.errors import InputError, first_line
from anomaly.inspector.bundle import check
from anomaly.inspector.find import bundle_of
from anomaly.serve.cluster.replicas import application
from anomaly.serve.command import TOKEN
from anomaly.serve.http.server import listen
from anomaly.serve.service import load
from anomaly.serve.settings import Settings

NAME = "anomaly"  # of the application in the cluster


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        InputError: no such bundle, a port that is taken, or a cluster that cannot run the replicas.
    """
    options = _parser().parse_args(arguments)
    bundle = bundle_of(options.model, Path("outputs")).absolute()
    about = check(bundle)
    listen(options.host, options.port).close()  # Ray says less of a port that is taken
    settings = Settings(
        bundle=bundle,
        corrections=options.corrections.absolute(),
        threads=options.threads,
        token=os.environ.get(TOKEN, "").strip() or None,
    )
    load(settings)  # what is wrong with the bundle is known here, before replicas start
    end = threading.Event()
    _connect(options)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    _deploy(settings, options)
    print(
        f"model  {about.name} (run {about.run['id']}, bundle {about.digest[:12]}, {about.runtime})"
    )
    print(f"page   http://{options.host}:{options.port}/", flush=True)
    end.wait()
    serve.delete(NAME)
    if options.address is None:
        serve.shutdown()
    ray.shutdown()


def _connect(options: argparse.Namespace) -> None:
    """To the cluster, or to a new one on this machine."""
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    try:
        ray.init(
            options.address or "local",
            log_to_driver=False,
            logging_level="ERROR",
            **({} if options.address else {"include_dashboard": False}),
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(
            f"there is no Ray cluster at {options.address} ({first_line(error)})"
        ) from None
    cpus, needed = ray.cluster_resources().get("CPU", 0), options.replicas * options.threads
    if cpus < needed:
        ray.shutdown()
        raise InputError(
            f"{options.replicas} replicas of {options.threads} threads need {needed} processors, and the"
            f" cluster has {cpus:g}; give fewer as --replicas"
        )


def _deploy(settings: Settings, options: argparse.Namespace) -> None:
    try:
        serve.start(http_options={"host": options.host, "port": options.port})
        serve.run(application(settings, options.replicas), name=NAME)
    except RuntimeError as error:
        ray.shutdown()
        raise InputError(
            f"the replicas do not start ({first_line(error)}); Ray's logs say why"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("anomaly serve-ray", description=__doc__)
    add = parser.add_argument
    add("model", metavar="MODEL", help="the folder of an exported bundle")
    add("--replicas", type=int, default=2, metavar="N", help="default: %(default)s")
    add("--threads", type=int, default=1, metavar="N",
        help="photos at a time, and processors, of each replica (default: %(default)s)")  # fmt: skip
    add("--address", help="of a running cluster, as HOST:PORT or auto")
    add("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    add("--port", type=int, default=8000, help="default: %(default)s")
    add("--corrections", type=Path, default=Path("outputs/corrections"), metavar="DIR",
        help="where photos go that were judged wrongly (default: %(default)s)")  # fmt: skip
    return parser
