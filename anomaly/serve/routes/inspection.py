"""POST /inspect: a photo in, a verdict out."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from anomaly.serve.http.refusals import Refusal
from anomaly.serve.http.upload import BODY, photo_in
from anomaly.serve.routes.answers import JPEG, JSON, PNG, answer, names, wanted
from anomaly.serve.service import Service

CONTENT = {JSON: {}, **{each: {"schema": {"type": "string"}} for each in (JPEG, PNG)}}


def routes(service: Service) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()
    model = names(service.inspector.about.names())

    @router.post(
        "/inspect",
        response_class=Response,
        responses={200: {"description": "the verdict", "content": CONTENT}},
        openapi_extra=BODY,
        summary="the verdict on a photo, as JSON or, by Accept, as a picture",
    )
    async def inspect(
        request: Request,
        threshold: Annotated[
            float | None, Query(ge=0, le=1, description="sort out from this probability on")
        ] = None,
        heat: Annotated[bool, Query(description="add the heat, a PNG in base64")] = False,
        accept: Annotated[str, Header()] = JSON,
    ) -> Response:
        if unknown := sorted({*request.query_params} - {"threshold", "heat"}):
            raise Refusal(422, f"{unknown[0]} is not known; give threshold or heat")
        service.pool.expect_room()
        photo = await photo_in(request)
        finish = partial(answer, model=model, media_type=wanted(accept), heat=heat)
        (answered,) = await service.inspect([photo], finish, threshold)
        return Response(answered.content, media_type=answered.media_type, headers=answered.headers)

    return router
