"""Pictures as text inside the page, small enough to mail."""

from __future__ import annotations

import io
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG = b"\x89PNG\r\n\x1a\n"  # how every such file begins
WIDEST = 760  # pixels of a photograph; wider ones are scaled down
QUALITY = 80  # of its JPEG: an eighth of the PNG, and no difference to the eye
SHARP = 170  # dots per inch of our own drawings, for phones


class Album:
    """Places pictures until its room, in characters, is used up."""

    def __init__(self, room: int) -> None:
        self.room = room

    def takes(self, picture: str) -> bool:
        """Whether there is room for it, which is then taken."""
        if len(picture) > self.room:
            return False
        self.room -= len(picture)
        return True


def drawing(path: Path | None) -> str | None:
    """A PNG as it is; None where there is none."""
    content = path.read_bytes() if path else b""
    return _uri("png", content) if content.startswith(PNG) else None


def photograph(path: Path | None) -> str | None:
    """A picture of any format as a smaller JPEG; None where there is none that can be read."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR) if path else None
    if pixels is None:
        return None
    height, width = pixels.shape[:2]
    if width > WIDEST:
        size = WIDEST, round(height * WIDEST / width)
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return _uri("jpeg", encoded.tobytes())


def figure_uri(figure: Figure) -> str:
    """A figure of our own."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=SHARP)
    return _uri("png", file.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode()}"
