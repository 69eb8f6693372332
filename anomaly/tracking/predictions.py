"""Predictions as a file: compressed numpy arrays, no pickle."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from anomaly.errors import InputError
from anomaly.types import Detections, Predictions


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write an .npz in one piece; heat is kept to 1/65535 and masks as bits."""
    found = predictions.detections
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez_compressed(
        part,
        ids=np.array(predictions.ids, np.str_),
        classes=np.array(predictions.classes, np.str_),
        proba=predictions.proba,
        heat=np.rint(predictions.heat * 65535).astype(np.uint16),
        segmentation=np.packbits(predictions.segmentation, axis=-1),
        counts=np.array([len(d) for d in found], np.int64),
        boxes=np.concatenate([d.boxes for d in found]),
        masks=np.packbits(np.concatenate([d.masks for d in found]), axis=-1),
        scores=np.concatenate([d.scores for d in found]),
        labels=np.concatenate([d.labels for d in found]),
    )
    os.replace(part, path)


def read_predictions(path: Path) -> Predictions:
    """What `write_predictions` wrote.

    Raises:
        InputError: the file is missing, damaged, or not one of predictions.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return _predictions({name: file[name] for name in file.files})
    except Exception as error:  # zip, numpy and our own checks all have their own
        raise InputError(_refusal(path, error)) from None


def read_called(path: Path) -> dict[str, str]:
    """{id: its most probable class}, without the maps, which are nearly all of the file.

    Raises:
        InputError: the file is missing, damaged, or not one of predictions.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            ids, classes, proba = file["ids"], file["classes"], file["proba"]
            called = classes[proba.argmax(1)]
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


def _predictions(a: dict[str, np.ndarray]) -> Predictions:
    width = a["heat"].shape[-1]
    masks = np.unpackbits(a["masks"], axis=-1, count=width).astype(bool)
    cuts = np.cumsum(a["counts"])[:-1]
    columns = [np.split(c, cuts) for c in (a["boxes"], masks, a["scores"], a["labels"])]
    return Predictions(
        ids=tuple(map(str, a["ids"])),
        classes=tuple(map(str, a["classes"])),
        proba=a["proba"],
        heat=(a["heat"] / np.float32(65535)).astype(np.float32),
        segmentation=np.unpackbits(a["segmentation"], axis=-1, count=width).astype(bool),
        detections=tuple(Detections(*row) for row in zip(*columns, strict=True)),
    )
