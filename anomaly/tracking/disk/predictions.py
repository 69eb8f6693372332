"""Predictions as a file: compressed numpy arrays, no pickle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anomaly.errors import InputError
from anomaly.masks.heat import from_steps, to_steps
from anomaly.runtime.files import replacing
from anomaly.types import Detections, Predictions


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write an .npz in one piece; heat is kept in its steps and masks as bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, **_arrays(predictions))


def _arrays(predictions: Predictions) -> dict[str, Any]:
    """What describes the images, and the fields that are there."""
    proba, heat, score = predictions.proba, predictions.heat, predictions.score
    segmentation, detections = predictions.segmentation, predictions.detections
    maps = [heat, segmentation, *(d.masks for d in detections or ())]
    arrays: dict[str, Any] = {
        "ids": np.array(predictions.ids, np.str_),
        "classes": np.array(predictions.classes, np.str_),
        "width": np.int64(next((m.shape[-1] for m in maps if m is not None), 0)),
    }
    if proba is not None:
        arrays["proba"] = proba
    if score is not None:
        arrays["score"] = score
    if heat is not None:
        arrays["heat"] = to_steps(heat)
    if segmentation is not None:
        arrays["segmentation"] = np.packbits(segmentation, axis=-1)
    if detections is not None:
        arrays |= _instances(detections)
    return arrays


def _instances(detections: Sequence[Detections]) -> dict[str, np.ndarray]:
    """Those of all images one after the other, and how many are of each."""
    return {
        "counts": np.array([len(d) for d in detections], np.int64),
        "boxes": np.concatenate([d.boxes for d in detections]),
        "masks": np.packbits(np.concatenate([d.masks for d in detections]), axis=-1),
        "scores": np.concatenate([d.scores for d in detections]),
        "labels": np.concatenate([d.labels for d in detections]),
    }


def read_predictions(path: Path) -> Predictions:
    """What `write_predictions` wrote.

    Raises:
        InputError: the file is missing, damaged, or not one of predictions.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return _predictions({name: file[name] for name in file.files})
    except Exception as error:  # zip, numpy and our checks each raise their kind
        raise InputError(_refusal(path, error)) from None


def read_called(path: Path) -> dict[str, str]:
    """{id: its most probable class}, without the maps, which are nearly all of the file.

    Empty where they name no class.

    Raises:
        InputError: the file is missing, damaged, or not one of predictions.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            ids, classes = file["ids"], file["classes"]
            if "proba" not in file.files:
                return {}
            called = classes[file["proba"].argmax(1)]
            return dict(zip(map(str, ids), map(str, called), strict=True))
    except Exception as error:  # as in `read_predictions`
        raise InputError(_refusal(path, error)) from None


def _refusal(path: Path, error: Exception) -> str:
    """What is wrong; NumPy takes any other file for a pickle, and its advice is unsafe."""
    missing = isinstance(error, FileNotFoundError)
    why = "there is no such file" if missing else "the file is damaged, or another one"
    return (
        f"{path} holds no usable predictions: {why}; run that training again (trainer.rerun=true)"
    )


def _predictions(arrays: dict[str, np.ndarray]) -> Predictions:
    heat, segmentation = arrays.get("heat"), arrays.get("segmentation")
    # Files written before fields could be absent have heat, and no width.
    width = int(arrays["width"]) if "width" in arrays else arrays["heat"].shape[-1]
    return Predictions(
        ids=tuple(map(str, arrays["ids"])),
        classes=tuple(map(str, arrays["classes"])),
        proba=arrays.get("proba"),
        heat=None if heat is None else from_steps(heat),
        segmentation=None if segmentation is None else _unpacked(segmentation, width),
        detections=_detections(arrays, width) if "counts" in arrays else None,
        score=arrays.get("score"),
    )


def _detections(arrays: dict[str, np.ndarray], width: int) -> tuple[Detections, ...]:
    cuts = np.cumsum(arrays["counts"])[:-1]
    masks = _unpacked(arrays["masks"], width)
    columns = (arrays["boxes"], masks, arrays["scores"], arrays["labels"])
    rows = zip(*(np.split(column, cuts) for column in columns), strict=True)
    return tuple(Detections(*row) for row in rows)


def _unpacked(bits: np.ndarray, width: int) -> np.ndarray:
    return np.unpackbits(bits, axis=-1, count=width).astype(bool)
