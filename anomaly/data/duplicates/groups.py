"""Groups the images that show the same physical part, so that all of them go to the same split."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from anomaly.cache.code import digest
from anomaly.cache.store import Cache, key_of
from anomaly.data.duplicates.similar_pairs import similar_pairs
from anomaly.data.duplicates.texture import IMAGE_SIDE, parallel_map
from anomaly.data.file import File
from anomaly.data.images import MAKERS as OF_IMAGES
from anomaly.data.images import load_image
from anomaly.errors import InputError

MAKERS = (*OF_IMAGES, "data/duplicates")  # the code that finds similar pairs


def group_files(root: Path, files: Sequence[File], threshold: float, cache: Cache) -> list[int]:
    """A group number for every file; files with the same number must stay in the same split.

    Grouped are byte-identical files, images whose textures correlate above `threshold`, and the
    rows of an optional `groups.csv` (columns file, group) in the category's folder.

    Raises:
        InputError: `groups.csv` names an unknown file, lacks a column or cannot be read.
    """
    contents = [file.image.content for file in files]
    similar = cache.get(
        key_of("similar pairs", digest(*MAKERS), threshold, *contents),
        lambda: similar_pairs(_greys(files, cache), threshold),
    )
    pairs = [*_identical_pairs(files), *map(tuple, similar.tolist()), *_declared_pairs(root, files)]
    return group_numbers(len(files), pairs)


def _greys(files: Sequence[File], cache: Cache) -> np.ndarray:
    """(n, IMAGE_SIDE, IMAGE_SIDE) float32 in 0..255."""

    def grey(file: File) -> np.ndarray:
        image = load_image(file.image, IMAGE_SIDE, cache)
        return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)

    return parallel_map(grey, files)


def _identical_pairs(files: Sequence[File]) -> Iterable[tuple[int, int]]:
    first: dict[str, int] = {}
    for index, file in enumerate(files):
        yield first.setdefault(file.image.content, index), index


def _declared_pairs(root: Path, files: Sequence[File]) -> Iterable[tuple[int, int]]:
    path = root / "groups.csv"
    if not path.exists():
        return
    index = {file.id: i for i, file in enumerate(files)}
    first: dict[str, int] = {}
    for row in _rows(path):
        if not row["group"]:
            continue
        if row["file"] not in index:
            raise InputError(f"{path} names {row['file']!r}, which is not an image of the category")
        member = index[row["file"]]
        yield first.setdefault(row["group"], member), member


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); fix or remove it") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from None
    reader = csv.DictReader(text.splitlines())
    if not {"file", "group"} <= set(reader.fieldnames or ()):
        raise InputError(f"{path} must have the columns file,group, got {reader.fieldnames}")
    return [{key: (row[key] or "").strip() for key in ("file", "group")} for row in reader]


def group_numbers(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each of `count` indices the smallest one that pairs connect it to."""
    links = np.array(list(pairs), np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(links)), tuple(links.T)), (count, count))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    return first[component].tolist()
