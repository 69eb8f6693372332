"""Whether the service lives, whether it takes photos, and its figures for Prometheus."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from anomaly.serve.http.refusals import Refusal
from anomaly.serve.service import Service


def routes(service: Service) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    @router.get("/health/live", summary="whether the process answers")
    async def live() -> JSONResponse:
        return JSONResponse({"live": True})

    @router.get("/health/ready", summary="whether photos are taken; 503 while it ends")
    async def ready() -> JSONResponse:
        expect_ready(service)
        return JSONResponse({"ready": True})

    @router.get("/metrics", summary="figures for Prometheus")
    async def metrics() -> Response:
        text = await asyncio.to_thread(service.counters.text)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return router


def expect_ready(service: Service) -> None:
    """Refuse while the service ends.

    Raises:
        Refusal: it does.
    """
    if service.draining.is_set():
        raise Refusal(503, "the service is ending", Retry_After="5")
