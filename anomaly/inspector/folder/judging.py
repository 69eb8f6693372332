"""Judges files one after the other; the next ones are read meanwhile."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from anomaly.data.images import pixels_of
from anomaly.inspector.folder.photos import Photo, load
from anomaly.inspector.folder.picture import thumbnail
from anomaly.inspector.folder.results import Results
from anomaly.inspector.folder.rows import Row, row_of, unreadable
from anomaly.inspector.folder.words import one_line
from anomaly.inspector.inspector import Inspector
from anomaly.runtime import signals
from anomaly.runtime.prefetch import prefetched
from anomaly.runtime.progress import track

log = logging.getLogger(__name__)
PAUSE = 1.0  # seconds between two looks at a watched folder
State = tuple[int, int]  # of a file: its size, and when it was changed


def judge(inspector: Inspector, files: Sequence[str], results: Results) -> None:
    """Add a row for each file that has none yet; a file that is no photo does not stop the others."""
    photos = prefetched(partial(load, has=results.has), files)
    for place, photo in enumerate(track(photos, "photos", len(files)), 1):
        signals.check()
        if photo:
            row, picture = judged(inspector, photo)
            results.add(row, picture)
            what = row.reason or f"{row.verdict} {row.defect}".strip()
            log.info("%d/%d %s: %s", place, len(files), one_line(photo.file), what)


def watch(
    inspector: Inspector,
    list_files: Callable[[], Sequence[str]],
    results: Results,
    after_new_ones: Callable[[], object],
) -> None:
    """Judge the files there are, and those that come, until it is interrupted.

    A file that has changed since the last look may still be being written: it waits for the next.
    """
    before: dict[str, State] = {}
    done: dict[str, State] = {}
    while True:
        signals.check()
        now = {file: state for file in list_files() if (state := _state(file))}
        new = {f: state for f, state in now.items() if before.get(f) == state != done.get(f)}
        if new:
            judge(inspector, list(new), results)
            after_new_ones()
        before, done = now, done | new
        time.sleep(PAUSE)


def judged(inspector: Inspector, photo: Photo) -> tuple[Row, bytes | None]:
    """The row of a file, and a small picture if it is a photo."""
    model = inspector.about.names()
    if photo.image is None:
        return unreadable(photo.file, photo.reason, photo.digest, model), None
    verdict = inspector.judge_one(photo.image)
    row = row_of(photo.file, photo.digest, verdict, model)
    return row, thumbnail(pixels_of(photo.image), verdict)


def _state(file: str) -> State | None:
    """None of a file that is gone."""
    try:
        status = Path(file).stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
