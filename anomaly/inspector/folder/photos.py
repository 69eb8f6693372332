"""Which photos a person means, and their pixels."""

from __future__ import annotations

import glob
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from anomaly.data.images import photo
from anomaly.data.read import SUFFIXES, UnreadableImage, read_bytes, read_image
from anomaly.errors import InputError
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


def files_of(words: Sequence[str], out: Path) -> list[str]:
    """The files that are meant, each once, those of folders in the order of their names.

    Args:
        words: files, folders (with all below them), patterns such as 'parts/*.png', or - for a
            list of any of these on standard input, one a line.
        out: the folder of the results, whose pictures are not meant.

    Raises:
        InputError: a word that is no file, folder or pattern of one.
    """
    listed = [line for word in words for line in _lines(word)]
    files = [file for word in listed for file in _meant(word) if not _inside(file, out)]
    return list(dict.fromkeys(file.as_posix() for file in files))


def load(file: str) -> Photo:
    """Read and decode a file; what is wrong with it is its reason."""
    digest = ""
    try:
        data = read_bytes(Path(file))
        image = photo(data, file)
        digest = image.content
        return Photo(file, digest, replace(image, source=read_image(data)))
    except UnreadableImage as error:
        return Photo(file, digest, None, str(error))


def _lines(word: str) -> Iterator[str]:
    if word != STDIN:
        yield word
    else:
        yield from filter(None, (line.rstrip("\r\n") for line in sys.stdin))


def _meant(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        return _below(path)
    if path.exists():
        return [path]
    if matches := sorted(glob.glob(word, recursive=True)):
        return [file for match in matches for file in _meant(match)]
    raise InputError(f"{word} is no file or folder, and nothing matches it as a pattern")


def _below(folder: Path) -> list[Path]:
    """The photos in a folder and all folders below it, without hidden ones, masks and other files."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    files = [p for p in paths if not any(map(_is_apart, p.relative_to(folder).parts))]
    photos = [file for file in files if file.suffix.lower() in SUFFIXES]
    if strangers := [file.name for file in files if file.suffix.lower() not in SUFFIXES]:
        some = ", ".join(strangers[:SHOWN]) + ", ..." * (len(strangers) > SHOWN)
        log.info("%s: %d files are no photos by their name (%s)", folder, len(strangers), some)
    return photos


def _is_apart(part: str) -> bool:
    return part.startswith(".") or part == MASKS


def _inside(file: Path, folder: Path) -> bool:
    return file.resolve().is_relative_to(folder.resolve())
