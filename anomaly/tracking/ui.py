"""Opens MLflow's UI on the runs of an output folder: python -m anomaly.tracking.ui"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from mlflow import MlflowClient

from anomaly.config.explain import explained
from anomaly.errors import InputError
from anomaly.tracking.read import reader
from anomaly.tracking.refusal import refusal
from anomaly.tracking.store import store_at

HOST = "127.0.0.1"
PAGE = "http://{host}:{port}/#/experiments/{id}/runs?workflowType=machine_learning"
SETTINGS = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # idle workers for language models
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the pages with the runs, and become the server.

    Raises:
        InputError: no run is recorded there, or the port cannot be used.
    """
    given = _parser().parse_args(arguments)
    uri = store_at(given.output).uri
    client = reader(uri)
    pages = _pages(client, given.port) if client else {}
    if not pages:
        raise InputError(
            f"no run in {uri}; record one with `make demo`, or set OUTPUT=DIR to the folder of your runs"
        )
    _expect_free(given.port)
    for experiment, page in pages.items():
        print(f"{experiment:<12} {page}", flush=True)
    server = ["-m", "mlflow", "ui", "--backend-store-uri", uri, "--workers", "1"]
    command = [sys.executable, *server, "--host", HOST, "--port", str(given.port)]
    os.execve(sys.executable, command, SETTINGS | os.environ)


def _pages(client: MlflowClient, port: int) -> dict[str, str]:
    """{experiment: the address of its table of runs}, of the experiments that have runs."""
    try:
        ids = {e.name: e.experiment_id for e in client.search_experiments()}
        used = {name: id for name, id in ids.items() if client.search_runs([id], max_results=1)}
    except Exception as error:  # MLflow wraps only some exceptions of database drivers
        raise InputError(refusal(client.tracking_uri, error)) from None
    return {name: PAGE.format(host=HOST, port=port, id=id) for name, id in used.items()}


def _expect_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise InputError(
                f"port {port} cannot be used: {why}; set another one, such as PORT=5050"
            ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m anomaly.tracking.ui", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("outputs"), help="where the runs are")
    parser.add_argument("--port", type=int, default=5000)
    return parser


if __name__ == "__main__":
    with explained():
        main()
