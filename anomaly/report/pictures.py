"""Pictures as data URIs, so that the page is one file, and small enough to mail."""

from __future__ import annotations

import io
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG = b"\x89PNG\r\n\x1a\n"  # the first bytes of every such file
WIDEST = 760  # pixels of a photograph; wider ones are scaled down
QUALITY = 80  # of the JPEG: an eighth of the PNG's size, and no visible difference
SHARP = 170  # dots per inch of a chart, so that it is sharp on a phone


class Budget:
    """The characters that are left for the pictures of a category."""

    def __init__(self, characters: int) -> None:
        self.remaining = characters

    def spend(self, characters: int) -> bool:
        """Whether so many were left, which are then used up."""
        if characters > self.remaining:
            return False
        self.remaining -= characters
        return True


def png_uri(path: Path | None) -> str | None:
    """A PNG file, unchanged; None without a file or if it is no PNG."""
    content = path.read_bytes() if path else b""
    return _uri("png", content) if content.startswith(PNG) else None


def jpeg_uri(path: Path | None) -> str | None:
    """A picture of any format as a smaller JPEG; None without a file or if it cannot be read."""
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
    """A chart as PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=SHARP)
    return _uri("png", file.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode()}"
