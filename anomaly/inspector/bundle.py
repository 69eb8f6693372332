"""The bundle on disk: one folder with everything that it takes to judge a photo as the run did."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path, PurePosixPath

from anomaly.cache.store import Cache
from anomaly.errors import InputError
from anomaly.inspector import exported
from anomaly.inspector.about import About, from_text, to_text
from anomaly.inspector.card import card
from anomaly.inspector.inspector import Inspector, Judge
from anomaly.inspector.runtimes.network import KERAS
from anomaly.inspector.team import Team
from anomaly.model.load import load
from anomaly.runtime.cores import count
from anomaly.runtime.files import write_text

ABOUT, CARD, MEMBERS = "inspector.json", "MODEL_CARD.md", "members"
LARGEST = 64 * 2**20  # bytes of inspector.json: a hundred times that of ten thousand images


def seal(folder: Path, about: About) -> str:
    """Complete a bundle whose model is in `folder`: its card, and inspector.json with all digests.

    Returns:
        the digest of the bundle.
    """
    write_text(folder / CARD, card(about))
    sealed = replace(about, files={name: _sha256(folder / name) for name in _files(folder)})
    write_text(folder / ABOUT, to_text(sealed))
    return check(folder).digest


def read(folder: Path, cache: Cache | None = None, threads: int | None = None) -> Inspector:
    """The inspector in a bundle.

    Args:
        cache: where features are kept; by default nowhere.
        threads: of a processor that an exported network uses for one photo; by default all.

    Raises:
        InputError: the folder is no bundle, of a later format, cut off or changed, or its model
            cannot be read.
    """
    about = check(folder)
    judge = _judge(folder, about, cache, threads)
    if isinstance(judge, exported.Parts):
        exported.check(judge, about, str(folder))
    return Inspector(judge, about, about.point)


def check(folder: Path) -> About:
    """What a bundle says of itself, once all of its files are as they were written.

    Raises:
        InputError: as `read`.
    """
    about = from_text(_text(folder), str(folder))
    for name, expected in about.files.items():
        _check_file(folder, name, expected)
    if unknown := sorted({*_files(folder)} - {*about.files}):
        raise InputError(f"the bundle {folder} holds {unknown[0]}, which is not part of it")
    return about


def _text(folder: Path) -> str:
    """Of inspector.json."""
    file = folder / ABOUT
    try:
        if file.is_symlink() or not file.is_file():  # which also has no end
            raise InputError(f"{folder} is no bundle: it holds no file {ABOUT}")
        if file.stat().st_size > LARGEST:
            raise InputError(f"{folder} is no bundle: {ABOUT} is larger than {LARGEST >> 20} MiB")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{folder} is no bundle: {ABOUT} cannot be read ({error})") from None


def _check_file(folder: Path, name: str, expected: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise InputError(
            f"the bundle {folder} names a file outside of itself ({name}); do not use it"
        )
    file = folder / name
    if not os.path.isfile(file) or file.is_symlink():  # of a name that no disk can hold, too
        raise InputError(f"the bundle {folder} is incomplete: {name} is missing; copy it again")
    if _sha256(file) != expected:
        raise InputError(
            f"the bundle {folder} was changed: {name} does not match its digest; copy it again"
        )


def _files(folder: Path) -> list[str]:
    """Everything in a bundle but inspector.json, with forward slashes."""
    paths = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    names = (path.relative_to(folder).as_posix() for path in paths)
    return sorted(name for name in names if name != ABOUT)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _judge(folder: Path, about: About, cache: Cache | None, threads: int | None) -> Judge:
    if about.ensemble:
        return Team.read(
            folder, about, [read(member, cache, threads) for member in _members(folder)]
        )
    if about.runtime != KERAS:
        return exported.load(folder, about, threads or count())
    learner = load(about.kind, folder, cache)
    if tuple(learner.classes) != tuple(about.classes):
        raise InputError(
            f"the bundle {folder} cannot be used: its model and {ABOUT} name different classes"
        )
    return learner


def _members(folder: Path) -> list[Path]:
    """The bundles of an ensemble's members, in their order.

    Raises:
        InputError: they are not numbered from 0.
    """
    names = {name.split("/")[1] for name in _files(folder) if name.startswith(f"{MEMBERS}/")}
    numbers = [str(number) for number in range(len(names))]
    if not names or names != {*numbers}:
        raise InputError(f"the bundle {folder} is damaged: its members are not numbered from 0")
    return [folder / MEMBERS / number for number in numbers]
