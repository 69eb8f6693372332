"""What an importer knows about one image file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anomaly.types import Image


@dataclass(frozen=True)
class File:
    """An image, the name of its class, and its mask (None for good parts)."""

    image: Image
    label: str
    mask: Path | None
    mask_digest: str | None

    @property
    def id(self) -> str:
        return self.image.id
