"""The service on Ray Serve: replicas that judge, on any machine of a cluster, and replicas in front."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import Response
from ray import serve
from ray.exceptions import RayActorError
from ray.serve import Application
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle

from anomaly.serve.app import create
from anomaly.serve.http.body import Body, Message
from anomaly.serve.http.refusals import CLIENT_GONE, Disconnected, Refusal
from anomaly.serve.http.upload import whole
from anomaly.serve.settings import Settings

TRIES = 3  # replicas that may die of one photo, or while they judge it
PASSED_ON = (  # of ASGI's scope
    *("type", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path"),
    *("headers", "client", "server"),
)


class Answer(NamedTuple):
    """Of the routes to one request."""

    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes


class Judge:
    """A replica with the model."""

    def __init__(self, settings: Settings) -> None:
        self.app = create(settings)

    async def answer(self, scope: dict[str, Any], content: bytes) -> Answer:
        """What the routes answer to a request whose body is complete."""
        parts = iter([{"type": "http.request", "body": content, "more_body": False}])
        sent: list[Message] = []

        async def receive() -> Message:
            for part in parts:
                return part
            return await asyncio.Future()  # the client stays

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *body = sent
        return Answer(
            start["status"],
            [(bytes(name), bytes(value)) for name, value in start["headers"]],
            b"".join(part.get("body", b"") for part in body),
        )


class Front:
    """A replica that takes requests. Ray gives up what a dead replica was judging; this one does not."""

    def __init__(self, judge: DeploymentHandle, settings: Settings) -> None:
        self.judge, self.settings = judge, settings

    async def __call__(self, request: Request) -> Response:
        """The answer of whichever replica lives."""
        try:
            content = await self._content(request)
            scope = {name: request.scope[name] for name in PASSED_ON if name in request.scope}
            answer = await self._answer(scope, content)
        except Refusal as refusal:
            return refusal.response
        except Disconnected:
            return Response(status_code=CLIENT_GONE)
        response = Response(answer.content, answer.status)
        response.raw_headers = answer.headers
        return response

    async def _content(self, request: Request) -> bytes:
        headers = dict(request.scope["headers"])
        body = Body(request.receive, headers, self.settings.largest, self.settings.seconds)
        if body.too_large:
            raise body.too_large
        return await whole(Request(request.scope, body.receive))

    async def _answer(self, scope: dict[str, Any], content: bytes) -> Answer:
        for _ in range(TRIES):
            try:
                return await self.judge.answer.remote(scope, content)
            except RayActorError:  # it died
                continue
            except BackPressureError:
                raise Refusal(503, "all replicas are busy; try again", Retry_After="1") from None
        raise Refusal(503, "replicas have died of this request", Retry_After="5")


def application(settings: Settings, replicas: int) -> Application:
    """So many replicas of each kind."""
    most = settings.threads + settings.queue
    judge = serve.deployment(
        Judge,
        num_replicas=replicas,
        max_ongoing_requests=most,
        max_queued_requests=most,
        ray_actor_options={"num_cpus": settings.threads},
    )
    front = serve.deployment(
        Front,
        num_replicas=replicas,
        max_ongoing_requests=replicas * most,
        ray_actor_options={"num_cpus": 0},
    )
    return front.bind(judge.bind(settings), settings)
