"""What is answered where there is no verdict: a status and one sentence."""

from __future__ import annotations

import json
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, StarletteHTTPException
from fastapi.responses import JSONResponse, Response

from anomaly.errors import InputError

CLIENT_GONE = 499  # as nginx counts it; nobody reads this answer


class Refusal(Exception):
    """A request that is not answered as asked; its text is what the client reads."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    @property
    def response(self) -> JSONResponse:
        return JSONResponse({"error": str(self)}, self.status, self.headers)


class Disconnected(Exception):
    """The client has gone before its request was complete."""


def handle(app: FastAPI) -> None:
    """Answer every error in one form."""
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(Disconnected, _disconnected)
    app.add_exception_handler(InputError, _input_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(Exception, _bug)


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response


async def _disconnected(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _input_error(request: Request, error: Exception) -> Response:
    return Refusal(422, str(error)).response


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return Refusal(422, f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}").response


async def _http(request: Request, error: Exception) -> Response:
    """Of the framework: an unknown address, another method, a form that is damaged."""
    assert isinstance(error, StarletteHTTPException)
    sentence = {
        404: f"there is nothing at {request.url.path}; /docs lists what there is",
        405: f"{request.url.path} takes no {request.method}; /docs lists what it takes",
        400: f"the form cannot be read: {error.detail}",
    }.get(error.status_code, error.detail or HTTPStatus(error.status_code).phrase)
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return Refusal(error.status_code, sentence, **headers).response


async def _bug(request: Request, error: Exception) -> Response:
    """The traceback goes to the service's log."""
    return Refusal(500, "the service has failed at this request; its log says where").response


def parsed(text: bytes) -> object:
    """JSON that a client sent.

    Raises:
        Refusal: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON") from None
