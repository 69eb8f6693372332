"""All routes together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

import anomaly
from anomaly.inspector.inspector import Inspector
from anomaly.serve.http import refusals
from anomaly.serve.http.gate import Gate
from anomaly.serve.routes import correcting, health, inference, inspection, judged, pages
from anomaly.serve.service import open_service
from anomaly.serve.settings import Settings

ROOMS = (inspection, correcting, health, inference, judged, pages)


def create(settings: Settings, inspector: Inspector | None = None) -> FastAPI:
    """The application; without an inspector it reads the bundle.

    Raises:
        InputError: as `anomaly.inspector.bundle.read`.
    """
    service = open_service(settings, inspector)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"draining": service.draining, "seconds": settings.seconds}
        service.pool.close()

    # Its own pages of documentation would load scripts from another host.
    app = FastAPI(
        title="anomaly serve",
        summary=service.inspector.about.name,
        version=anomaly.__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    for room in ROOMS:
        app.include_router(room.routes(service))
    refusals.handle(app)
    app.add_middleware(Gate, settings=settings, counters=service.counters)
    return app
