"""The Open Inference Protocol, version 2, as clients of KServe and Triton speak it.

Source: https://github.com/kserve/open-inference-protocol, and Triton's extension for binary tensors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

import anomaly
from anomaly.inspector.verdict import Verdict
from anomaly.serve.http.refusals import Refusal
from anomaly.serve.http.upload import whole
from anomaly.serve.routes.health import expect_ready
from anomaly.serve.routes.tensors import INPUT, read
from anomaly.serve.service import Service
from anomaly.types import Image

JSON_LENGTH = "inference-header-content-length"  # of Triton: tensors in bytes follow the JSON
DIGITS = 12  # of that number, at most
TYPES = {
    "verdict": "BYTES",
    "defect": "BYTES",
    "probability": "FP64",
    "score": "FP64",
    "probabilities": "FP64",
}


class Outputs(NamedTuple):
    """Of one photo, in the order of TYPES."""

    verdict: str
    defect: str  # empty where none is named
    probability: float
    score: float
    probabilities: list[float]


def outputs_of(image: Image, verdict: Verdict) -> Outputs:
    """What the protocol says of a verdict."""
    return Outputs(
        verdict.decision,
        verdict.defect or "",
        verdict.probability,
        verdict.score,
        list(verdict.probabilities.values()),
    )


def routes(service: Service) -> APIRouter:
    """The routes of this module."""
    router = APIRouter(prefix="/v2")
    about = service.inspector.about

    def expect(name: str, version: str | None = None) -> None:
        if name != about.name or version not in (None, about.run["id"]):
            raise Refusal(404, f"there is one model here, {about.name}, version {about.run['id']}")

    @router.get("", summary="the server")
    async def server() -> JSONResponse:
        content = {
            "name": "anomaly",
            "version": anomaly.__version__,
            "extensions": ["binary_tensor_data"],
        }
        return JSONResponse(content)

    @router.get("/health/live", summary="whether the process answers")
    async def live() -> JSONResponse:
        return JSONResponse({"live": True})

    @router.get("/health/ready", summary="whether photos are taken")
    async def ready() -> JSONResponse:
        expect_ready(service)
        return JSONResponse({"ready": True})

    @router.get("/models/{name}", summary="the model's inputs and outputs")
    @router.get("/models/{name}/versions/{version}", summary="the same")
    async def model(name: str, version: str | None = None) -> JSONResponse:
        expect(name, version)
        return JSONResponse(_metadata(service))

    @router.get("/models/{name}/ready", summary="whether the model takes photos")
    @router.get("/models/{name}/versions/{version}/ready", summary="the same")
    async def model_ready(name: str, version: str | None = None) -> JSONResponse:
        expect(name, version)
        expect_ready(service)
        return JSONResponse({"name": name, "ready": True})

    @router.post("/models/{name}/infer", summary="verdicts on photos")
    @router.post("/models/{name}/versions/{version}/infer", summary="the same")
    async def infer(request: Request, name: str, version: str | None = None) -> JSONResponse:
        expect(name, version)
        service.pool.expect_room()
        body = await whole(request)
        asked = await asyncio.to_thread(read, body, _json_length(request, body))
        chosen = _chosen(asked.outputs)
        rows = await service.inspect(asked.photos, outputs_of, asked.threshold)
        content = {
            "model_name": about.name,
            "model_version": about.run["id"],
            **({} if asked.id is None else {"id": asked.id}),
            "parameters": {"digest": about.digest},
            "outputs": [_tensor(output, rows) for output in chosen],
        }
        return JSONResponse(content)

    return router


def _metadata(service: Service) -> dict[str, Any]:
    about, classes = service.inspector.about, len(service.inspector.classes)
    shapes = {"probabilities": [-1, classes]}
    return {
        "name": about.name,
        "versions": [about.run["id"]],
        "platform": f"anomaly_{about.runtime}",
        "inputs": [{"name": INPUT, "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": name, "datatype": datatype, "shape": shapes.get(name, [-1])}
            for name, datatype in TYPES.items()
        ],
        "parameters": {"classes": list(about.classes), "digest": about.digest},
    }


def _json_length(request: Request, body: bytes) -> int | None:
    text = request.headers.get(JSON_LENGTH)
    if text is None:
        return None
    if not text.isdecimal() or len(text) > DIGITS or int(text) > len(body):
        raise Refusal(
            400, f"{JSON_LENGTH} must be the number of bytes of the JSON, got {text[:20]}"
        )
    return int(text)


def _chosen(names: Sequence[str] | None) -> list[str]:
    """The outputs that are asked for, or all."""
    if unknown := [name for name in names or () if name not in TYPES]:
        raise Refusal(400, f"there is no output {unknown[0]!r}, but {', '.join(TYPES)}")
    return list(names or TYPES)


def _tensor(name: str, rows: Sequence[Outputs]) -> dict[str, Any]:
    values = [getattr(row, name) for row in rows]
    shape = [len(rows)]
    if name == "probabilities":
        shape, values = [len(rows), len(values[0])], [each for row in values for each in row]
    return {"name": name, "datatype": TYPES[name], "shape": shape, "data": values}
