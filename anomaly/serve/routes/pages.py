"""The page for the person at the line, what it knows of the model, and a list of all routes."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from anomaly.serve.routes.answers import names
from anomaly.serve.service import Service

HERE = Path(__file__).parent / "page"
FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
# A browser fetches nothing from elsewhere and runs no script but ours.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:;"
    " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}


def routes(service: Service) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()
    for address, (name, media_type) in FILES.items():
        router.add_api_route(
            address,
            _file(HERE / name, media_type),
            summary=f"the page ({name})",
            include_in_schema=False,
        )

    @router.get("/model.json", summary="what the page knows of the model")
    async def model() -> JSONResponse:
        return JSONResponse(_model(service))

    @router.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(_docs(request.app.openapi()), headers=HEADERS)

    return router


def _file(path: Path, media_type: str) -> Any:
    content = path.read_bytes()

    async def send() -> Response:
        return Response(content, media_type=media_type, headers=HEADERS)

    return send


def _model(service: Service) -> dict[str, Any]:
    about, point = service.inspector.about, service.inspector.point
    return {
        **names(about.names()),
        "category": about.category,
        "classes": list(about.classes),
        "threshold": point.sorting_threshold,
        "reject_below": point.reject_below,
        "validate": {
            "scores": list(about.validate_scores),
            "defective": list(about.validate_defective),
        },
        "largest": service.settings.largest,
        "judged": service.settings.judged is not None,
    }


def _docs(schema: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><th scope=row><code>{method.upper()}</code></th><td><code>{escape(path)}</code></td>"
        f"<td>{escape(route.get('summary', ''))}</td></tr>"
        for path, methods in schema["paths"].items()
        for method, route in methods.items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"><title>anomaly serve</title>'
        f"<main class=docs><h1>Routes of {escape(schema['info']['summary'])}</h1>"
        '<p>The whole description, for programs: <a href="/openapi.json">/openapi.json</a>. '
        'A page for people: <a href="/">/</a>.</p>'
        f"<table>{rows}</table></main></html>"
    )
