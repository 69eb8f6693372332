"""The page of a folder that `anomaly inspect` judged, with its pictures; nothing outside of it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from fastapi import APIRouter
from fastapi.responses import FileResponse

from anomaly.serve.http.refusals import Refusal
from anomaly.serve.service import Service

INDEX = "index.html"
TYPES = {
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
}
# The page brings a stricter policy, which names the digest of its script.
POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def routes(service: Service) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    @router.get(
        "/judged/{path:path}", summary="the folder given as --judged", response_class=FileResponse
    )
    async def judged(path: str) -> FileResponse:
        if service.settings.judged is None:
            raise Refusal(404, "no judged folder is served; start the service with --judged DIR")
        file = _inside(service.settings.judged, path or INDEX)
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return FileResponse(file, media_type=TYPES[file.suffix], headers=headers)

    return router


def _inside(folder: Path, path: str) -> Path:
    """A file of the folder, by no way around it.

    Raises:
        Refusal: there is none.
    """
    root, parts = folder.resolve(), PurePosixPath(path).parts
    file = root.joinpath(*parts)
    hidden = any(part.startswith(".") or "\\" in part or "\0" in part for part in parts)
    if (
        hidden
        or "/" in parts
        or file.suffix not in TYPES
        or file.resolve() != file
        or not file.is_file()
    ):
        raise Refusal(404, "the judged folder has no such page or picture")
    return file
