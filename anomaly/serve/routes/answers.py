"""A verdict as JSON, or as a picture with what is where."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import cv2
import numpy as np

from anomaly.data.images import pixels_of
from anomaly.inspector.folder.picture import thumbnail
from anomaly.inspector.verdict import Verdict
from anomaly.masks.runs import to_runs
from anomaly.types import Image

JSON, JPEG, PNG = "application/json", "image/jpeg", "image/png"
MEANT = {"image/jpg": JPEG, "image/*": JPEG, JPEG: JPEG, PNG: PNG, JSON: JSON, "*/*": JSON}


class Answered(NamedTuple):
    """The content of an answer."""

    content: bytes
    media_type: str
    headers: dict[str, str]


def wanted(accept: str) -> str:
    """The first type in an Accept header that there is, or else JSON."""
    names = (each.partition(";")[0].strip().lower() for each in accept.split(","))
    return next((MEANT[name] for name in names if name in MEANT), JSON)


def answer(
    image: Image, verdict: Verdict, model: Mapping[str, str], media_type: str, heat: bool
) -> Answered:
    """The verdict on a photo in the type that is wanted."""
    if media_type == JSON:
        content = json.dumps(fields(verdict, model, heat), ensure_ascii=False)
        return Answered(content.encode(), JSON, {})
    return Answered(_picture(image, verdict, media_type), media_type, _headers(verdict, model))


def fields(verdict: Verdict, model: Mapping[str, str], heat: bool) -> dict[str, Any]:
    """The JSON of a verdict; with `heat`, a PNG of it in 0..255 too."""
    shown = {
        "verdict": verdict.decision,
        "defect": verdict.defect,
        "probability": verdict.probability,
        "score": verdict.score,
        "probabilities": dict(verdict.probabilities),
        "boxes": [box._asdict() for box in verdict.boxes],
        "mask": None if verdict.mask is None else to_runs(verdict.mask),
        "milliseconds": round(verdict.milliseconds, 1),
        "model": dict(model),
    }
    if heat:
        shown["heat"] = None if verdict.heat is None else _heat(verdict.heat)
    return shown


def names(about_names: Mapping[str, str]) -> dict[str, str]:
    """The model as every answer names it; its version is the run that trained it."""
    return {
        "name": about_names["name"],
        "version": about_names["run"],
        "digest": about_names["digest"],
    }


def _heat(heat: np.ndarray) -> str:
    grey = np.rint(255 * np.clip(heat, 0, 1)).astype(np.uint8)
    return b64encode(cv2.imencode(".png", grey)[1].tobytes()).decode()


def _picture(image: Image, verdict: Verdict, media_type: str) -> bytes:
    picture = thumbnail(pixels_of(image), verdict)
    if media_type == JPEG:
        return picture
    decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return cv2.imencode(".png", decoded)[1].tobytes()


def _headers(verdict: Verdict, model: Mapping[str, str]) -> dict[str, str]:
    """Texts are percent-encoded: a header holds no other script."""
    values = {
        "Verdict": verdict.decision,
        "Defect": verdict.defect or "",
        "Probability": repr(verdict.probability),
        "Score": repr(verdict.score),
        "Milliseconds": f"{verdict.milliseconds:.1f}",
        **{f"Model-{name.capitalize()}": value for name, value in model.items()},
    }
    return {f"X-{name}": quote(value, safe=" .=,:") for name, value in values.items()}
