"""The bundle as MLflow's `python_function`: photos in, one row a photo out."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anomaly.data.images import photo
from anomaly.errors import InputError
from anomaly.inspector.bundle import read
from anomaly.inspector.inspector import Inspector
from anomaly.inspector.verdict import Verdict
from anomaly.masks.runs import to_runs
from anomaly.types import Image

if TYPE_CHECKING:
    import pandas as pd

COLUMN = "photo"


def _load_pyfunc(path: str) -> PhotoModel:
    """What MLflow calls, by this name."""
    return PhotoModel(read(Path(path)))


class PhotoModel:
    """Judges photos for MLflow; `predict` is the method that it calls."""

    def __init__(self, inspector: Inspector) -> None:
        self.inspector = inspector

    def predict(self, model_input: Any, params: dict | None = None) -> pd.DataFrame:
        """A row for each photo; MODEL_CARD.md says what the columns mean.

        Args:
            model_input: a table with a column `photo`; MLflow makes it of a list too. Each photo is
                the bytes of a file, the same in base64, a path, or (h, w, 3) uint8 RGB pixels.
            params: there are none.

        Raises:
            InputError: one of them is no photo.
        """
        import pandas as pd  # comes with MLflow; who inspects without it needs none

        photos = [_photo(item) for item in _items(model_input)]
        return pd.DataFrame([self._row(verdict) for verdict in self.inspector.inspect(photos)])

    def _row(self, verdict: Verdict) -> dict[str, Any]:
        about = self.inspector.about
        return {
            "verdict": verdict.decision,
            "defect": verdict.defect or "",
            "probability": verdict.probability,
            "score": verdict.score,
            "probabilities": dict(verdict.probabilities),
            "boxes": [box._asdict() for box in verdict.boxes],
            "mask": None if verdict.mask is None else dict(to_runs(verdict.mask)),
            "model": about.name,
            "version": about.run["id"],
        }


def _items(given: Any) -> list[Any]:
    """The photos in what MLflow hands over: a table, whatever it was given."""
    cells = given[COLUMN] if COLUMN in given.columns else given[given.columns[0]]
    return [item for cell in cells for item in (cell if _is_several(cell) else [cell])]


def _is_several(cell: Any) -> bool:
    """Whether a cell holds a list of photos, as MLflow makes of {"photo": [...]}."""
    return isinstance(cell, list) and bool(cell) and isinstance(cell[0], str | bytes)


def _photo(item: Any) -> Image:
    if isinstance(item, str) and not os.path.isfile(item):
        return photo(_decoded(item))
    if isinstance(item, list):  # pixels, by way of JSON
        return photo(_pixels(item))
    if isinstance(item, str | bytes | Path | np.ndarray):
        return photo(item)
    raise InputError(f"a photo must be a path, bytes, base64 or pixels, got {type(item).__name__}")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InputError(f"{text[:80]!r} is neither a file nor base64") from None


def _pixels(rows: list[Any]) -> np.ndarray:
    try:
        pixels = np.array(rows)
        if pixels.dtype.kind == "i" and 0 <= pixels.min() <= pixels.max() <= 255:
            return pixels.astype(np.uint8)
    except ValueError:  # rows of different lengths
        pass
    raise InputError("pixels must be (height, width, 3) whole numbers from 0 to 255")
