"""A connection: what is not HTTP, comes too slowly, or has yet to be answered when the service ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

GRACE = 0.5  # seconds in which a connection may still begin a request when the service ends
HEAD = (
    b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n%s"
)


class Connection(H11Protocol):
    """Of HTTP/1.1. One that does not complete a request's head in time is closed."""

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_idle and not self.timeout_keep_alive_task:
            self._await_head()
        elif not self._is_idle:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Answer what was asked already, and what an open connection is about to ask."""
        self.app_state["draining"].set()
        if self._is_idle:
            self.loop.call_later(GRACE, self._shutdown_idle)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """To what is not HTTP."""
        self._refuse(400, b"Bad Request", "this is no HTTP request")

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(self.app_state["seconds"], self._late)

    def _stop_waiting(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None

    def _late(self) -> None:
        self._refuse(408, b"Request Timeout", "the request did not arrive in time")

    def _shutdown_idle(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def _refuse(self, status: int, phrase: bytes, sentence: str) -> None:
        content = json.dumps({"error": sentence}).encode()
        self.transport.write(HEAD % (status, phrase, len(content), content))
        self.transport.close()
