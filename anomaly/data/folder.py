"""Turns a folder in the MVTec AD layout into a list of files, and lists all that is wrong in it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anomaly.data.cache import Cache, key_of
from anomaly.data.read import SUFFIXES, UnreadableImage, read_mask, read_size
from anomaly.types import GOOD, InputError

LITTER = {"thumbs.db", "desktop.ini"}  # what file managers leave behind
SHOWN = 20  # mistakes spelled out in one message


@dataclass(frozen=True)
class File:
    """One image of a category and the mask beside it."""

    id: str
    label: str
    image: Path
    mask: Path | None
    content: str  # hexadecimal digest of the image's bytes


def read_folder(
    root: Path, category: str, exclude: Sequence[str] = (), cache: Cache | None = None
) -> list[File]:
    """Every image of a category, sorted by id, each known to be readable and masked.

    Every file is decoded to be sure of it; with a cache, only when it is met for the first time.

    Raises:
        InputError: the folder is missing or empty, or files are unusable; all are listed.
    """
    folder = _category(root, category)
    every = _classes(folder)
    if strangers := sorted(set(exclude) - set(every)):
        raise InputError(
            f"data.exclude names {_listed(strangers)}, but {folder} has {_listed(every)}"
        )
    classes = [c for c in every if c not in exclude]
    files = [f for c in classes for f in _files(folder, c)]
    if not any(path.suffix.lower() in SUFFIXES for path, _ in files):
        raise InputError(f"{folder}: no images; expected train/{GOOD}/*.png and test/<class>/*.png")
    with ThreadPoolExecutor() as pool:
        checked = list(pool.map(lambda file: _check(folder, cache, *file), files))
    _report([mistake for _, mistake in checked if mistake] + _orphans(folder, classes))
    found = sorted((file for file, _ in checked if file), key=lambda file: file.id)
    _two_classes(folder, {file.label for file in found}, exclude)
    return found


def _category(root: Path, category: str) -> Path:
    if not root.is_dir():
        near = _names(root.parent) if root.parent.is_dir() else []
        raise InputError(
            f"data.root={root} is not a folder; {root.parent} holds: {_listed(near)};"
            " give the folder of categories as data.root=DIR, or try data=demo"
        )
    folder = root / category
    if not category or not folder.is_dir():
        found = _listed(_names(root))
        raise InputError(f"data.category={category} is not in {root}, which holds: {found}")
    return folder


def _classes(folder: Path) -> list[str]:
    """good first, then the defect types by name."""
    names = set(_names(folder / "train")) | set(_names(folder / "test"))
    for lower, count in Counter(name.lower() for name in names).items():
        if count > 1:
            same = sorted(name for name in names if name.lower() == lower)
            raise InputError(f"{folder}: classes {_listed(same)} differ by case only; rename one")
    if GOOD not in names and names:
        raise InputError(f"{folder}: no class '{GOOD}'; it has {_listed(sorted(names))}")
    return sorted(names, key=lambda name: (name != GOOD, name))


def _files(folder: Path, label: str) -> list[tuple[Path, str]]:
    return [(path, label) for part in ("train", "test") for path in _listing(folder / part / label)]


def _listing(place: Path) -> list[Path]:
    """What people put into a folder, sorted; not what their file managers did."""
    if not place.is_dir():
        return []
    return [
        path
        for path in sorted(place.iterdir())
        if not path.name.startswith(".") and path.name.lower() not in LITTER
    ]


def _two_classes(folder: Path, labels: set[str], exclude: Sequence[str]) -> None:
    apart = f" without data.exclude={_listed(exclude)}" if exclude else ""
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
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return None, f"{name}: not an image ({', '.join(SUFFIXES)})"
    try:
        content = _digest(path)
        size = _size(path, content, cache)
        mask = None if label == GOOD else _mask(folder, path, label, size)
    except UnreadableImage as error:
        return None, f"{name}: {error}"
    return File(name, label, path, mask, content), None


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UnreadableImage(f"cannot be read ({error.strerror})") from None


def _size(path: Path, content: str, cache: Cache | None) -> tuple[int, int]:
    """(height, width) of an image that is known to decode."""

    def decoded() -> np.ndarray:
        return np.array(read_size(path))

    height, width = cache.get(key_of("size", content), decoded) if cache else decoded()
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


def _orphans(folder: Path, classes: Iterable[str]) -> list[str]:
    """One sentence for every mask without its image."""
    orphans = []
    for label in sorted(set(classes) - {GOOD}):
        stems = {path.stem for path, _ in _files(folder, label)}
        masks = _listing(folder / "ground_truth" / label)
        orphans += [
            f"ground_truth/{label}/{mask.name}: no image test/{label}/{_image_stem(mask)}.*"
            for mask in masks
            if mask.suffix.lower() in SUFFIXES and not {mask.stem, _image_stem(mask)} & stems
        ]
    return orphans


def _image_stem(mask: Path) -> str:
    return mask.stem.removesuffix("_mask")


def _report(mistakes: list[str]) -> None:
    if mistakes:
        more = len(mistakes) - SHOWN
        lines = mistakes[:SHOWN] + ([f"... and {more} more"] if more > 0 else [])
        many = "1 file" if len(mistakes) == 1 else f"{len(mistakes)} files"
        raise InputError(f"{many} cannot be used; mend or remove:\n  " + "\n  ".join(lines))


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "nothing"
