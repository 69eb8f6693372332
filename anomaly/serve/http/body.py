"""The body of a request as it arrives: never more than allowed is held, nor waited for longer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from anomaly.serve.http.refusals import Disconnected, Refusal

Message = MutableMapping[str, Any]  # of ASGI
Receive = Callable[[], Awaitable[Message]]
LINGER, LINGER_BYTES = 2.0, 64 * 2**20  # seconds and bytes that are read and thrown away


class Body:
    """Hands on the parts of a body, and refuses one that grows too large or comes too slowly."""

    def __init__(
        self, receive: Receive, headers: Mapping[bytes, bytes], largest: int, seconds: float
    ) -> None:
        self._receive, self._largest, self._seconds = receive, largest, seconds
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._size = 0
        declared = headers.get(b"content-length", b"0")
        self.declared = int(declared) if declared.isdigit() else 0
        self._asks_first = headers.get(b"expect", b"").lower() == b"100-continue"
        self.complete = not self.declared and b"transfer-encoding" not in headers

    @property
    def too_large(self) -> Refusal | None:
        """Why a body is refused that is as large as it says, or has come so far."""
        if max(self.declared, self._size) <= self._largest:
            return None
        return Refusal(
            413, f"the photo is too large: at most {self._largest / 2**20:g} MB are taken"
        )

    async def receive(self) -> Message:
        """The next part.

        Raises:
            Refusal: there is too much of it, or it comes too late.
            Disconnected: no more will come.
        """
        if self.complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(
                408, f"the photo did not arrive within {self._seconds:g} seconds"
            ) from None
        self._take(message)
        if message["type"] == "http.disconnect":
            raise Disconnected
        if self.too_large:
            raise self.too_large
        return message

    async def discard(self) -> None:
        """Read what is still coming, for a while: a client that sends does not read its answer."""
        if self._asks_first:  # and was refused before it sent
            return
        most = self._size + LINGER_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while not self.complete and self._size < most:
                    self._take(await self._receive())

    def _take(self, message: Message) -> None:
        self._size += len(message.get("body", b""))
        self.complete = not message.get("more_body", False)
