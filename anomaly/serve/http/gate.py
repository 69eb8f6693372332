"""Stands before every route: who may enter, how much may be sent, and how an answer is completed."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import unquote

from anomaly.serve.counters import Counters
from anomaly.serve.http.body import Body, Message, Receive
from anomaly.serve.http.refusals import Refusal
from anomaly.serve.settings import Settings

Send = Callable[[Message], Awaitable[None]]
COOKIE = "anomaly_token"
HEALTH = {"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"}
OPEN = HEALTH | {"/", "/page.css", "/page.js"}  # without a token: they say nothing of parts
CROSS = (b"cross-site", b"same-site")  # a browser that speaks for another page
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'",
    b"referrer-policy": b"no-referrer",
}


class Gate:
    """ASGI middleware."""

    def __init__(self, app: Any, settings: Settings, counters: Counters) -> None:
        self.app, self.settings, self.counters = app, settings, counters

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        body = Body(receive, headers, self.settings.largest, self.settings.seconds)
        refusal = self._refused(scope, headers) or body.too_large
        app = refusal.response if refusal else self.app
        await app(scope, body.receive, self._completing(scope, body, send))

    def _refused(self, scope: dict[str, Any], headers: dict[bytes, bytes]) -> Refusal | None:
        if scope["method"] == "POST" and headers.get(b"sec-fetch-site") in CROSS:
            return Refusal(403, "a page of another site may not send anything here")
        if self.settings.token is None or scope["path"] in OPEN:
            return None
        if hmac.compare_digest(_token(headers), self.settings.token.encode()):
            return None
        sentence = "this needs the service's token, as in Authorization: Bearer TOKEN"
        return Refusal(401, sentence, WWW_Authenticate="Bearer")

    def _completing(self, scope: dict[str, Any], body: Body, send: Send) -> Send:
        """Sends an answer, and ends it when the client has sent everything, so that it is read."""

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(message["status"])
                ends = _is_draining(scope) or not body.complete  # what comes then is no request
                message = {**message, "headers": _headers(message, ends)}
            elif not (message.get("more_body") or body.complete):
                await send({**message, "more_body": True})
                await body.discard()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        return complete

    def _count(self, status: int) -> None:
        if status >= 400:
            self.counters.refused.labels(status).inc()


def _token(headers: dict[bytes, bytes]) -> bytes:
    """What the client sends, in a header or as the page keeps it."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip()
    try:
        cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return b""
    return unquote(cookies[COOKIE].value).encode() if COOKIE in cookies else b""


def _is_draining(scope: dict[str, Any]) -> bool:
    draining = scope.get("state", {}).get("draining")
    return draining is not None and draining.is_set()


def _headers(message: Message, ends: bool) -> list[tuple[bytes, bytes]]:
    """Those of the answer, with what each answer has; whether the connection ends with it."""
    given = [(bytes(name).lower(), value) for name, value in message.get("headers", [])]
    names = {name for name, _ in given}
    added = [(name, value) for name, value in HEADERS.items() if name not in names]
    return given + added + ([(b"connection", b"close")] if ends else [])
