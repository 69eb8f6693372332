"""Uvicorn, in this process or in several: it ends without losing an answer."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from fastapi import FastAPI
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from anomaly.errors import InputError
from anomaly.inspector.inspector import Inspector
from anomaly.serve.app import create
from anomaly.serve.counters import SHARED
from anomaly.serve.http.connection import Connection
from anomaly.serve.settings import Settings

ALIVE = 30  # seconds until a process that does not answer is replaced
IDLE = 15  # seconds that a connection is kept without a request
BACKLOG = 2048  # connections that the system keeps until they are accepted


def listen(host: str, port: int) -> socket.socket:
    """A socket at which clients may wait already.

    Raises:
        InputError: the address is none of this machine, or the port is taken.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot listen at {host}, port {port}: {why}; give others as --host and --port"
        ) from None
    listener.set_inheritable(True)
    return listener


def end_well() -> None:
    """From here on SIGTERM and Ctrl-C are how a service ends; the server raises them when it has."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))


def run(settings: Settings, inspector: Inspector, listener: socket.socket) -> None:
    """Serve in this process until SIGTERM or Ctrl-C, then finish what was accepted."""
    Alone(config(create(settings, inspector), settings)).run([listener])


def run_many(settings: Settings, listener: socket.socket, workers: int) -> int:
    """Serve in several processes, and replace those that die; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="anomaly-serve-") as folder:
        os.environ[SHARED] = folder
        options = config(partial(_create, settings), settings, factory=True, workers=workers)
        supervisor = Supervisor(options, [listener])
        supervisor.run()
    return int(any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes))


class Alone(Server):
    """The only process of a service: who waits to be accepted when it ends is answered, too."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept them, then close the listeners, with nothing in between."""
        loop = asyncio.get_running_loop()
        waiting = [each for listener in sockets or [] for each in _waiting(listener)]
        tasks = [loop.create_task(self._answer(connection)) for connection in waiting]
        await super().shutdown(sockets)
        await asyncio.gather(*tasks)

    async def _answer(self, connection: socket.socket) -> None:
        def protocol() -> Connection:
            return Connection(self.config, self.server_state, self.lifespan.state)

        _, connected = await asyncio.get_running_loop().connect_accepted_socket(
            protocol, connection
        )
        connected.shutdown()


def _waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that the system has made and nobody has accepted."""
    with suppress(OSError):  # there is no more
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection


class Supervisor(Multiprocess):
    """Of the processes that serve."""

    def terminate_all(self) -> None:
        """End them; nobody waits at a socket that nobody serves."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def _create(settings: Settings) -> FastAPI:
    """The application of a worker, whose bundle may have gone since the first one read it."""
    try:
        return create(settings)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(STARTUP_FAILURE)


def config(app: Any, settings: Settings, **options: Any) -> Config:
    """How uvicorn serves an application, or what makes one."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of clients that have gone
    return Config(
        app,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=IDLE,
        timeout_worker_healthcheck=ALIVE,
        timeout_graceful_shutdown=round(2 * settings.seconds) + 1,
        **options,
    )
