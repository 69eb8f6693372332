"""POST /corrections: "this is wrong", from the person at the line."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.datastructures import FormData
from fastapi.responses import JSONResponse

from anomaly.inspector.verdict import Verdict
from anomaly.serve.corrections import checked, keep
from anomaly.serve.http.refusals import Refusal
from anomaly.serve.http.upload import FORM, correction_body, media_type, photo_of
from anomaly.serve.routes.answers import names
from anomaly.serve.service import Service
from anomaly.types import Image


def routes(service: Service) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()
    model = names(service.inspector.about.names())

    @router.post(
        "/corrections",
        status_code=201,
        openapi_extra=correction_body(service.inspector.classes),
        summary="keep a photo with its right label, for the next training",
    )
    async def correct(request: Request) -> JSONResponse:
        if media_type(request) != FORM:
            raise Refusal(415, "send a form with photo, label and, for a defect, rectangle")
        async with request.form(max_files=1) as form:
            photo = await photo_of(form)
            by = _text(form, "by") or (request.client.host if request.client else "")
            label, rectangle = _text(form, "label"), _text(form, "rectangle")
        correction = checked(label, rectangle, by, service.inspector.classes)

        def finish(image: Image, verdict: Verdict) -> str:
            return keep(service.settings.corrections, correction, image, verdict, model)

        (file,) = await service.inspect([photo], finish, counted=False)
        return JSONResponse({"file": file, "label": correction.label}, 201)

    return router


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""
