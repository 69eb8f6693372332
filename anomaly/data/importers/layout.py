"""Where images and masks lie in a folder in the MVTec AD layout, and what its classes are called."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from anomaly.errors import InputError
from anomaly.types import GOOD, tidy

LITTER = {"thumbs.db", "desktop.ini"}  # what file managers leave behind


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
        found = listed(subfolders(root))
        raise InputError(f"data.category={category} is not in {root}, which holds: {found}")
    return folder


def class_names(folder: Path) -> list[str]:
    """good first, then the defect types by name.

    Raises:
        InputError: there is no good, or two are too much alike.
    """
    names = set(subfolders(folder / "train")) | set(subfolders(folder / "test"))
    _tell_apart(folder, names)
    if GOOD not in names and names:
        raise InputError(f"{folder}: no class '{GOOD}'; it has {listed(sorted(names))}")
    return sorted(names, key=lambda name: (name != GOOD, name))


def _tell_apart(folder: Path, names: Iterable[str]) -> None:
    """Two classes of one name would overwrite each other's files or figures."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        alike[tidy(name).lower()].append(name)
    for shared, same in alike.items():
        if len(same) > 1:
            by_case = len({name.lower() for name in same}) == 1
            figures = f"would share their figures' names ({shared})"
            why = "differ by case only" if by_case else figures
            raise InputError(f"{folder}: classes {listed(same)} {why}; rename one")


def files_of(folder: Path, label: str) -> list[tuple[Path, str]]:
    """What lies where the images of a class belong, each with the class."""
    return [(path, label) for part in ("train", "test") for path in listing(folder / part / label)]


def listing(place: Path) -> list[Path]:
    """What people put into a folder, sorted; not what their file managers did."""
    if not place.is_dir():
        return []
    return [
        path
        for path in sorted(place.iterdir())
        if not path.name.startswith(".") and path.name.lower() not in LITTER
    ]


def subfolders(folder: Path) -> list[str]:
    """Their names, sorted; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def listed(names: Sequence[str]) -> str:
    """The names in a sentence."""
    return ", ".join(names) if names else "nothing"


def shown(name: str) -> str:
    """A path as text; bytes that are not UTF-8 become \\x.. and can be printed."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
