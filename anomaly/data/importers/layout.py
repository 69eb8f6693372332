"""Where images and masks lie in a folder in the MVTec AD layout, and the names of its classes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from anomaly.errors import InputError
from anomaly.types import GOOD, tidy

SYSTEM_FILES = {"thumbs.db", "desktop.ini"}  # written by file managers


def category_folder(root: Path, category: str) -> Path:
    """The category's folder.

    Raises:
        InputError: there is none, or the category is a path.
    """
    if category in (".", "..") or "/" in category or "\\" in category:
        raise InputError(
            f"data.category must be the name of a folder in data.root, got {category};"
            " give the folder above it as data.root"
        )
    if not root.is_dir():
        near = subfolders(root.parent) if root.parent.is_dir() else []
        raise InputError(
            f"data.root={root} is not a folder; {root.parent} holds: {listed(near)};"
            " give the folder of categories as data.root=DIR, or try data=demo"
        )
    folder = root / category
    if not category or not folder.is_dir():
        categories = listed(subfolders(root))
        raise InputError(f"data.category={category} is not in {root}, which holds: {categories}")
    return folder


def class_names(folder: Path) -> list[str]:
    """good first, then the defect types by name.

    Raises:
        InputError: there is no good, or two names are too similar.
    """
    names = set(subfolders(folder / "train")) | set(subfolders(folder / "test"))
    _check_distinct(folder, names)
    if GOOD not in names and names:
        raise InputError(f"{folder}: no class '{GOOD}'; it has {listed(sorted(names))}")
    return sorted(names, key=lambda name: (name != GOOD, name))


def _check_distinct(folder: Path, names: Iterable[str]) -> None:
    """Classes of one name, in MLflow or a file system, would overwrite each other's results."""
    similar: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        similar[tidy(name).lower()].append(name)
    for shared, same in similar.items():
        if len(same) > 1:
            case_only = len({name.lower() for name in same}) == 1
            why = "differ by case only" if case_only else f"would share the metric name {shared}"
            raise InputError(f"{folder}: classes {listed(same)} {why}; rename one")


def files_of(folder: Path, label: str) -> list[tuple[Path, str]]:
    """Everything in the folders for the images of a class, each with the class."""
    return [
        (path, label) for split in ("train", "test") for path in listing(folder / split / label)
    ]


def listing(folder: Path) -> list[Path]:
    """The folder's files and folders, sorted, without hidden ones and those of file managers."""
    if not folder.is_dir():
        return []
    return [
        path
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and path.name.lower() not in SYSTEM_FILES
    ]


def subfolders(folder: Path) -> list[str]:
    """Their names, sorted, without hidden ones; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def listed(names: Sequence[str]) -> str:
    """The names separated by commas, or "nothing"."""
    return ", ".join(names) if names else "nothing"


def printable(name: str) -> str:
    """A path as text; bytes that are not UTF-8 become \\x.. and can be printed."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
