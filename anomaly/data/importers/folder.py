"""Turns a folder in the MVTec AD layout into a list of files, and lists all that is wrong in it."""

from __future__ import annotations

import logging
from collections import defaultdict
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
    listing,
    shown,
    subfolders,
)
from anomaly.data.read import (
    SUFFIXES,
    UnreadableImage,
    check_unchanged,
    digest,
    read_mask,
    read_size,
)
from anomaly.errors import InputError
from anomaly.types import GOOD, Image

log = logging.getLogger(__name__)
SHOWN = 20  # mistakes spelled out in one message


def read_folder(
    root: Path, category: str, exclude: Sequence[str] = (), cache: Cache | None = None
) -> list[File]:
    """Every image of a category, sorted by id, each known to be readable and masked.

    Every file is decoded to be sure of it; with a cache, only when it is met for the first time.

    Raises:
        InputError: the folder is missing or empty, or files are unusable; all are listed.
    """
    folder = category_folder(root, category)
    every = class_names(folder)
    if strangers := sorted(set(exclude) - set(every)):
        raise InputError(
            f"data.exclude names {listed(strangers)}, but {folder} has {listed(every)}"
        )
    classes = [c for c in every if c not in exclude]
    files = [f for c in classes for f in files_of(folder, c)]
    if not any(path.suffix.lower() in SUFFIXES for path, _ in files):
        raise InputError(f"{folder}: no images; expected train/{GOOD}/*.png and test/<class>/*.png")
    with ThreadPoolExecutor() as pool:
        checked = list(pool.map(lambda file: _check(folder, cache, *file), files))
    found = sorted((file for file, _ in checked if file), key=lambda file: file.id)
    mistakes = [mistake for _, mistake in checked if mistake]
    mistakes += _shared(folder, found) + _orphans(folder, classes)
    _report(mistakes + _masks_of_no_class(folder, every))
    _announce_empty(folder, set(classes) - {label for _, label in files})
    _two_classes(folder, {file.label for file in found}, exclude)
    return found


def _announce_empty(folder: Path, labels: Iterable[str]) -> None:
    """A folder may well stand empty, for defects still to come; but somebody may miss the class."""
    for label in sorted(set(labels) - {GOOD}):
        log.warning("%s: class '%s' has no images and is left out", folder, label)


def _two_classes(folder: Path, labels: set[str], exclude: Sequence[str]) -> None:
    apart = f" without data.exclude={listed(exclude)}" if exclude else ""
    if GOOD not in labels:
        raise InputError(f"{folder}: no images of class '{GOOD}'{apart}; there must be some")
    if labels == {GOOD}:
        raise InputError(
            f"{folder}: only class '{GOOD}'{apart}; there must be a defect type, as test/<class>"
        )


def _check(
    folder: Path, cache: Cache | None, path: Path, label: str
) -> tuple[File | None, str | None]:
    """The file, or the sentence that says why it cannot be used."""
    name = path.relative_to(folder).as_posix()
    if shown(name) != name:  # such a name cannot be printed, logged or written to split.csv
        return None, f"{shown(name)}: its name is not UTF-8; rename it"
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return None, f"{name}: not an image ({', '.join(SUFFIXES)})"
    try:
        content = digest(path)
        size = _size(path, content, cache)
        mask = None if label == GOOD else _mask(folder, path, label, size)
        mask_digest = digest(mask) if mask else None
    except UnreadableImage as error:
        return None, f"{name}: {error}"
    return File(Image(name, path, content), label, mask, mask_digest), None


def _size(path: Path, content: str, cache: Cache | None) -> tuple[int, int]:
    """(height, width) of an image that is known to decode."""

    def decoded() -> np.ndarray:
        size = read_size(path)
        check_unchanged(path, content)
        return np.array(size)

    height, width = (
        cache.get(key_of("size", code.digest("data/read.py"), content), decoded)
        if cache
        else decoded()
    )
    return int(height), int(width)


def _mask(folder: Path, image: Path, label: str, size: tuple[int, int]) -> Path:
    place = folder / "ground_truth" / label
    names = [image.stem + end + suffix for end in ("_mask", "") for suffix in SUFFIXES]
    mask = next((place / name for name in names if (place / name).is_file()), None)
    if mask is None:
        raise UnreadableImage(f"no mask; expected ground_truth/{label}/{names[0]}")
    where = mask.relative_to(folder).as_posix()
    try:
        pixels = read_mask(mask)
    except UnreadableImage as error:
        raise UnreadableImage(f"its mask {where} is unusable: {error}") from None
    if pixels.shape != size:
        found, wanted = " x ".join(map(str, pixels.shape)), " x ".join(map(str, size))
        raise UnreadableImage(f"its mask {where} is {found} pixels, the image {wanted}")
    if not pixels.any():
        raise UnreadableImage(f"its mask {where} is empty (all black)")
    return mask


def _shared(folder: Path, files: Iterable[File]) -> list[str]:
    """One sentence for every mask that would serve two images: it can only fit one of them."""
    owners: dict[Path, list[str]] = defaultdict(list)
    for file in files:
        if file.mask:
            owners[file.mask].append(file.id)
    return [
        f"{mask.relative_to(folder).as_posix()}: the mask of two images, {' and '.join(ids[:2])};"
        " give each a name and a mask of its own"
        for mask, ids in owners.items()
        if len(ids) > 1
    ]


def _orphans(folder: Path, classes: Iterable[str]) -> list[str]:
    """One sentence for every mask without its image."""
    orphans = []
    for label in sorted(set(classes) - {GOOD}):
        stems = {path.stem for path, _ in files_of(folder, label)}
        masks = listing(folder / "ground_truth" / label)
        orphans += [
            shown(f"ground_truth/{label}/{mask.name}: no image test/{label}/{_image_stem(mask)}.*")
            for mask in masks
            if mask.suffix.lower() in SUFFIXES and not {mask.stem, _image_stem(mask)} & stems
        ]
    return orphans


def _masks_of_no_class(folder: Path, classes: Iterable[str]) -> list[str]:
    """One sentence for every folder of masks that belongs to no class; a typo, most likely."""
    if set(classes) == {GOOD}:
        return []  # what is missing are the images of all defects, and `_two_classes` says so
    places = sorted(set(subfolders(folder / "ground_truth")) - set(classes))
    return [
        shown(f"ground_truth/{name}: masks of a class without images; expected test/{name}")
        for name in places
        if any(path.suffix.lower() in SUFFIXES for path in listing(folder / "ground_truth" / name))
    ]


def _image_stem(mask: Path) -> str:
    return mask.stem.removesuffix("_mask")


def _report(mistakes: list[str]) -> None:
    if mistakes:
        more = len(mistakes) - SHOWN
        lines = mistakes[:SHOWN] + ([f"... and {more} more"] if more > 0 else [])
        many = "1 file" if len(mistakes) == 1 else f"{len(mistakes)} files"
        raise InputError(f"{many} cannot be used; mend or remove:\n  " + "\n  ".join(lines))
