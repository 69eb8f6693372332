"""Reads a folder in the MVTec AD layout into a list of files, or lists everything wrong in it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from anomaly.cache import code
from anomaly.cache.store import Cache, key_of
from anomaly.data.file import File
from anomaly.data.importers.layout import (
    category_folder,
    class_names,
    files_of,
    listed,
    printable,
)
from anomaly.data.importers.mask_files import (
    mask_of,
    masks_without_class,
    masks_without_image,
    shared_masks,
)
from anomaly.data.read import SUFFIXES, UnreadableImage, check_unchanged, digest, read_size
from anomaly.errors import InputError
from anomaly.types import GOOD, Image

log = logging.getLogger(__name__)
MAX_LISTED = 20  # unusable files in one message


def read_folder(
    root: Path, category: str, exclude: Sequence[str] = (), cache: Cache | None = None
) -> list[File]:
    """Every image of a category, sorted by id, each checked to be readable and to have its mask.

    Every image is decoded to check it; with a cache, each content only once.

    Raises:
        InputError: the folder is missing or empty, or files are unusable; all are listed.
    """
    folder = category_folder(root, category)
    all_classes = class_names(folder)
    classes = _without(all_classes, exclude, folder)
    candidates = [file for label in classes for file in files_of(folder, label)]
    if not any(path.suffix.lower() in SUFFIXES for path, _ in candidates):
        raise InputError(f"{folder}: no images; expected train/{GOOD}/*.png and test/<class>/*.png")
    with ThreadPoolExecutor() as pool:
        checked = list(pool.map(lambda file: _checked(folder, cache, *file), candidates))
    files = sorted((f for f in checked if isinstance(f, File)), key=lambda file: file.id)
    problems = [problem for problem in checked if isinstance(problem, str)]
    problems += shared_masks(folder, files) + masks_without_image(folder, classes)
    _refuse(problems + masks_without_class(folder, all_classes))
    _warn_of_empty(folder, set(classes) - {label for _, label in candidates})
    _check_two_classes(folder, {file.label for file in files}, exclude)
    return files


def _without(classes: Sequence[str], exclude: Sequence[str], folder: Path) -> list[str]:
    if unknown := sorted(set(exclude) - set(classes)):
        raise InputError(
            f"data.exclude names {listed(unknown)}, but {folder} has {listed(classes)}"
        )
    return [label for label in classes if label not in exclude]


def _checked(folder: Path, cache: Cache | None, path: Path, label: str) -> File | str:
    """The file, or one sentence that explains why it cannot be used."""
    name = path.relative_to(folder).as_posix()
    if printable(name) != name:  # such a name cannot be printed, logged or written to split.csv
        return f"{printable(name)}: its name is not UTF-8; rename it"
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return f"{name}: not an image ({', '.join(SUFFIXES)})"
    try:
        content = digest(path)
        size = _size(path, content, cache)
        mask = None if label == GOOD else mask_of(folder, path, label, size)
        mask_digest = digest(mask) if mask else None
    except UnreadableImage as error:
        return f"{name}: {error}"
    return File(Image(name, path, content), label, mask, mask_digest)


def _size(path: Path, content: str, cache: Cache | None) -> tuple[int, int]:
    """(height, width) of an image that can be decoded."""

    def decoded() -> np.ndarray:
        size = read_size(path)
        check_unchanged(path, content)
        return np.array(size)

    key = key_of("size", code.digest("data/read.py"), content)
    height, width = cache.get(key, decoded) if cache else decoded()
    return int(height), int(width)


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        more = len(problems) - MAX_LISTED
        lines = [*problems[:MAX_LISTED], *([f"... and {more} more"] if more > 0 else [])]
        count = "1 file" if len(problems) == 1 else f"{len(problems)} files"
        raise InputError(f"{count} cannot be used; repair or remove:\n  " + "\n  ".join(lines))


def _warn_of_empty(folder: Path, labels: Iterable[str]) -> None:
    """An empty folder may be meant for defects still to come, but it may also be a mistake."""
    for label in sorted(set(labels) - {GOOD}):
        log.warning("%s: class '%s' has no images and is left out", folder, label)


def _check_two_classes(folder: Path, labels: set[str], exclude: Sequence[str]) -> None:
    excluded = f" after data.exclude=[{', '.join(exclude)}]" if exclude else ""
    if GOOD not in labels:
        raise InputError(f"{folder}: no images of class '{GOOD}'{excluded}; there must be some")
    if labels == {GOOD}:
        raise InputError(
            f"{folder}: only class '{GOOD}'{excluded}; there must be a defect type, as test/<class>"
        )
