"""Which photos a person means, and their pixels."""

from __future__ import annotations

import glob
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from anomaly.data.images import photo
from anomaly.data.read import SUFFIXES, UnreadableImage, read_bytes, read_image
from anomaly.errors import InputError
from anomaly.inspector.folder.results import SETTINGS
from anomaly.inspector.folder.words import one_line
from anomaly.types import Image

log = logging.getLogger(__name__)
STDIN = "-"
MASKS = "ground_truth"  # of a data set in the layout of MVTec AD
SHOWN = 3  # strangers named in the log


class Photo(NamedTuple):
    """A file that was read."""

    file: str
    digest: str  # SHA-256 of its bytes; empty where it cannot be read at all
    image: Image | None  # with its pixels in memory; None of a file that is no photo
    reason: str = ""  # why it is none


def typed(words: Sequence[str]) -> list[str]:
    """The words, with the lines of standard input, which can be read only once, in place of a -."""
    return [each for word in words for each in (_lines() if word == STDIN else [word])]


def files_of(words: Sequence[str], out: Path, again: bool = False) -> list[str]:
    """The files that are meant, each once, those of folders in the order of their names.

    Args:
        words: files, folders (with all below them), or patterns such as 'parts/*.png'.
        out: the folder of the results, whose pictures are not meant.
        again: whether to overlook what has gone since the first look, and log nothing.

    Raises:
        InputError: a word that is no file, folder or pattern of one, or lies in `out`; a folder
            that cannot be listed.
    """
    results = os.path.realpath(out)
    files = [file for word in words for file in _meant(word, results, again)]
    unique: dict[str, str] = {}
    for file in files:
        unique.setdefault(os.path.abspath(file), Path(file).as_posix())
    return list(unique.values())


def load(file: str, has: Callable[[str, str], bool] = lambda file, digest: False) -> Photo | None:
    """Read and decode a file, unless `has(file, digest)`; what is wrong with it is its reason."""
    digest = ""
    try:
        if os.path.exists(file) and not os.path.isfile(file):  # a pipe would be waited for
            raise UnreadableImage("not a regular file")
        data = read_bytes(Path(file))
        image = photo(data, file)
        digest = image.content
        if has(file, digest):
            return None
        return Photo(file, digest, replace(image, source=read_image(data)))
    except UnreadableImage as error:
        return None if has(file, digest) else Photo(file, digest, None, str(error))


def _lines() -> list[str]:
    """In bytes: names of files need not be UTF-8."""
    return [os.fsdecode(line) for line in sys.stdin.buffer.read().splitlines() if line]


def _meant(word: str, results: str, again: bool) -> list[str]:
    if os.path.exists(word) and _is_inside(word, results):
        raise InputError(f"{word} lies in the folder of the results; give another folder as --out")
    if os.path.isdir(word):
        return _below(word, results, again)
    if os.path.exists(word):
        return [word]
    matches = sorted(glob.glob(word, recursive=True))
    if not matches and not again:
        raise InputError(f"{word} is no file or folder, and nothing matches it as a pattern")
    parts = [match for match in matches if not _is_apart(*os.path.split(match), results)]
    return [file for match in parts for file in _meant(match, results, again)]


def _below(folder: str, results: str, again: bool) -> list[str]:
    """The photos in a folder and all folders below it, without hidden ones, masks and other files."""
    files: list[str] = []
    for place, folders, names in os.walk(folder, onerror=None if again else _refuse):
        folders[:] = [each for each in folders if not _is_apart(place, each, results)]
        files += [os.path.join(place, name) for name in names if not name.startswith(".")]
    photos = [file for file in files if Path(file).suffix.lower() in SUFFIXES]
    if not again and (strangers := sorted({*files} - {*photos})):
        some = ", ".join(one_line(os.path.basename(name)) for name in strangers[:SHOWN])
        some += ", ..." * (len(strangers) > SHOWN)
        log.info("%s: %d files are no photos by their name (%s)", folder, len(strangers), some)
    return sorted(photos, key=lambda file: Path(file).parts)


def _refuse(error: OSError) -> None:
    raise InputError(f"the folder {error.filename} cannot be read ({error.strerror})")


def _is_apart(place: str, name: str, results: str) -> bool:
    """A folder that holds no photos of parts, such as the results of this or another inspection."""
    path = os.path.join(place, name)
    named = name.startswith(".") or name == MASKS
    return named or _is_inside(path, results) or os.path.exists(os.path.join(path, SETTINGS))


def _is_inside(path: str, folder: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(folder)
