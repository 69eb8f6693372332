"""Photos that were judged wrongly, with their right label, in the layout that trainings read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import cv2
import numpy as np

from anomaly.data.images import pixels_of
from anomaly.errors import InputError
from anomaly.inspector.verdict import Verdict
from anomaly.runtime.disk import sentence
from anomaly.runtime.files import replacing
from anomaly.serve.http.refusals import Refusal
from anomaly.types import GOOD, Image

LINES = "corrections.jsonl"
KEPT = {  # first bytes of a file: its suffix, where trainings read it as it is
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}
DIGITS = 12  # of the photo's digest
OPTION = "--corrections"


class Rectangle(NamedTuple):
    """Where a defect is, in shares of the upright photo's width and height, 0..1."""

    x1: float
    y1: float
    x2: float
    y2: float


class Correction(NamedTuple):
    """What a person says of a photo."""

    label: str
    rectangle: Rectangle | None  # of a defect
    by: str


def checked(label: str, rectangle: str, by: str, classes: tuple[str, ...]) -> Correction:
    """The correction in the fields of a form.

    Raises:
        InputError: the class is not the model's, or its place is missing, wrong or too much.
    """
    if label not in classes or not _is_a_folder(label):
        raise InputError(f"there is no class {label[:80]!r}; give one of: {', '.join(classes)}")
    if label == GOOD and rectangle:
        raise InputError("a good part has no rectangle over a defect")
    if label != GOOD and not rectangle:
        raise InputError(f"{label} needs a rectangle over the defect, as x1,y1,x2,y2 from 0 to 1")
    return Correction(label, _rectangle(rectangle) if rectangle else None, by[: DIGITS * 8])


def keep(
    folder: Path, correction: Correction, image: Image, verdict: Verdict, model: Mapping[str, str]
) -> str:
    """Write a photo, its mask if it is defective, and a line about both; returns the photo's path.

    Args:
        folder: of the category.
        image: from bytes.
        verdict: what the model says of it.
        model: its name, version and digest.

    Raises:
        Refusal: the disk takes no more.
    """
    now = datetime.now(UTC)
    photo, mask = _paths(correction.label, image, now)
    said = {
        "verdict": verdict.decision,
        "defect": verdict.defect,
        "probability": verdict.probability,
    }
    line = {
        "time": now.isoformat(timespec="milliseconds"), "by": correction.by, "file": str(photo),
        "digest": image.content, "label": correction.label, "rectangle": correction.rectangle,
        "said": said, "model": dict(model),
    }  # fmt: skip
    try:
        _write(folder / photo, folder / mask, correction, image)
        _append(folder / LINES, line)
    except OSError as error:
        why = (
            sentence(error, OPTION, str(folder)) or f"cannot write into {folder}: {error.strerror}"
        )
        raise Refusal(507, why) from None
    return str(photo)


def _is_a_folder(label: str) -> bool:
    return PurePosixPath(label).name == label and label != ".." and "\\" not in label


def _rectangle(text: str) -> Rectangle:
    try:
        rectangle = Rectangle(*(float(part) for part in text.split(",")))
    except (ValueError, TypeError):
        rectangle = None
    if (
        rectangle
        and 0 <= rectangle.x1 < rectangle.x2 <= 1
        and 0 <= rectangle.y1 < rectangle.y2 <= 1
    ):
        return rectangle
    raise InputError(f"a rectangle is x1,y1,x2,y2 from 0 to 1, got {text[:80]}")


def _paths(label: str, image: Image, now: datetime) -> tuple[PurePosixPath, PurePosixPath]:
    """Of the photo and its mask; no two corrections have one name."""
    name = f"{now:%Y%m%d-%H%M%S-%f}-{image.content[:DIGITS]}"
    part = "train" if label == GOOD else "test"
    photo = PurePosixPath(part, label, name + (_suffix(image) or ".png"))
    return photo, PurePosixPath("ground_truth", label, f"{name}_mask.png")


def _suffix(image: Image) -> str | None:
    assert isinstance(image.source, bytes)
    return next((s for start, s in KEPT.items() if image.source.startswith(start)), None)


def _write(photo: Path, mask: Path, correction: Correction, image: Image) -> None:
    photo.parent.mkdir(parents=True, exist_ok=True)
    with replacing(photo, durable=True) as aside:
        aside.write_bytes(_content(image))
        if correction.rectangle:  # its mask is there before the photo is
            mask.parent.mkdir(parents=True, exist_ok=True)
            with replacing(mask, durable=True) as aside_mask:
                aside_mask.write_bytes(_mask(correction.rectangle, pixels_of(image).shape))


def _content(image: Image) -> bytes:
    """The file as it came where trainings read it, or else a PNG of its pixels."""
    if _suffix(image):
        assert isinstance(image.source, bytes)
        return image.source
    return _png(cv2.cvtColor(pixels_of(image), cv2.COLOR_RGB2BGR))


def _mask(rectangle: Rectangle, shape: tuple[int, ...]) -> bytes:
    """White where the defect is; at least one pixel."""
    mask = np.zeros(shape[:2], np.uint8)
    height, width = mask.shape
    left, top = int(rectangle.x1 * width), int(rectangle.y1 * height)
    right, bottom = round(rectangle.x2 * width), round(rectangle.y2 * height)
    mask[top : max(bottom, top + 1), left : max(right, left + 1)] = 255
    return _png(mask)


def _png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def _append(path: Path, line: Mapping[str, Any]) -> None:
    """In one write, so that lines of several processes do not mix."""
    with path.open("ab", buffering=0) as file:
        file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
