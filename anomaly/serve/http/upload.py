"""The photo in a request: its bytes as they are, or a file of a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import python_multipart as _  # noqa: F401  (the framework needs it for forms, and says so late)
from fastapi import Request
from fastapi.datastructures import FormData

from anomaly.serve.http.refusals import Refusal

FIELD = "photo"
FORM = "multipart/form-data"
BODY: dict[str, Any] = {  # for OpenAPI
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            FORM: {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {FIELD: {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


async def photo_in(request: Request) -> bytes:
    """The bytes of the one photo.

    Raises:
        Refusal: there is none, or it is in a form of another kind.
    """
    kind = media_type(request)
    if kind == FORM:
        async with request.form(max_files=1) as form:
            return await photo_of(form)
    if kind == "application/json":
        raise Refusal(415, "send the bytes of the photo, or a form; JSON goes to /v2/models")
    return await whole(request)


async def photo_of(form: FormData) -> bytes:
    """The file in the field `photo`.

    Raises:
        Refusal: there is none.
    """
    file = form.get(FIELD)
    if isinstance(file, str) or file is None:
        raise Refusal(422, f"the form has no file in its field {FIELD}")
    return await file.read()


async def whole(request: Request) -> bytes:
    """All of the body."""
    parts = []
    more = True
    while more:
        message = await request.receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def media_type(request: Request) -> str:
    """Of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def correction_body(classes: Sequence[str]) -> dict[str, Any]:
    """Of a correction, for OpenAPI."""
    fields = {
        FIELD: {"type": "string", "format": "binary"},
        "label": {"type": "string", "enum": list(classes)},
        "rectangle": {"type": "string", "description": "x1,y1,x2,y2 from 0 to 1, over a defect"},
        "by": {"type": "string", "description": "who says so"},
    }
    schema = {"type": "object", "required": [FIELD, "label"], "properties": fields}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}
