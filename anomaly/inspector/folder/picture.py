"""A small picture of a judged photo: the outline of the defective pixels, and the boxes."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np

from anomaly.inspector.verdict import Box, Verdict

SIDE = 480  # pixels of the longer side
QUALITY = 85  # of the JPEG
SHOWN = 6  # boxes; more would hide the photo
PINK, WHITE, BLACK = (224, 157, 255), (255, 255, 255), (0, 0, 0)  # BGR; pink as in the overlays
FONT, HEIGHT = cv2.FONT_HERSHEY_SIMPLEX, 0.5  # a capital is about 11 pixels high
MARGIN = 4  # pixels between a label and what is beside it


def thumbnail(pixels: np.ndarray, verdict: Verdict) -> bytes:
    """A JPEG of the photo, its longer side 480 pixels, with what the verdict says is where.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        verdict: its mask is over the whole photo, its boxes are in pixels of the photo.
    """
    scale = SIDE / max(pixels.shape[:2])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(pixels, (width, height), interpolation=method)
    canvas = cv2.cvtColor(resized, cv2.COLOR_RGB2BGR)
    if verdict.mask is not None:
        _outline(canvas, verdict.mask)
    surest = sorted(verdict.boxes, key=lambda box: -box.score)[:SHOWN]
    for box in reversed(surest):  # the surest on top
        _box(canvas, box, scale)
    return cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def _outline(canvas: np.ndarray, mask: np.ndarray) -> None:
    height, width = canvas.shape[:2]
    smooth = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    region = (smooth >= 0.5).astype(np.uint8)
    edges = cv2.findContours(region, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
    for colour, thickness in ((BLACK, 4), (PINK, 2)):
        cv2.drawContours(canvas, edges, -1, colour, thickness, cv2.LINE_AA)


def _box(canvas: np.ndarray, box: Box, scale: float) -> None:
    x1, y1, x2, y2 = (round(side * scale) for side in box[:4])
    for colour, thickness in ((BLACK, 4), (PINK, 2)):
        cv2.rectangle(canvas, (x1, y1), (x2 - 1, y2 - 1), colour, thickness)
    _label(canvas, f"{_drawable(box.defect)} {box.score:.2f}".strip(), x1, y1, y2)


def _label(canvas: np.ndarray, text: str, left: int, top: int, bottom: int) -> None:
    """Above the box, below it where there is no room, in it where there is none either."""
    height, width = canvas.shape[:2]
    (wide, high), _ = cv2.getTextSize(text, FONT, HEIGHT, 1)
    x = max(0, min(left, width - wide))
    above, below, inside = top - MARGIN, bottom + high + MARGIN, top + high + MARGIN
    y = above if above >= high else below if below < height else inside
    for colour, thickness in ((BLACK, 3), (WHITE, 1)):
        cv2.putText(canvas, text, (x, y), FONT, HEIGHT, colour, thickness, cv2.LINE_AA)


def _drawable(name: str) -> str:
    """What OpenCV can write of a name: letters without accents; none of another script."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip()
