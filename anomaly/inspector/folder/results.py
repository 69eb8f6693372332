"""What an inspection leaves in its folder, written as it comes: opened again, it goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from anomaly.errors import InputError
from anomaly.inspector.folder.rows import LINES, TABLE, Row, line, read_lines, write_table
from anomaly.inspector.inspector import Inspector
from anomaly.runtime.files import replacing, write_text

SETTINGS, PICTURES, LOCK = "inspection.json", "pictures", ".lock"


class Results:
    """The rows of a folder, by file. A file that has changed is judged again, and replaces its row."""

    def __init__(self, folder: Path, inspector: Inspector) -> None:
        """Open a folder, new or as an earlier inspection left it.

        Raises:
            InputError: it holds the results of another model or thresholds, or cannot be written.
        """
        self.folder, self.classes = folder, inspector.classes
        with self.writing():
            (folder / PICTURES).mkdir(parents=True, exist_ok=True)
            self._claim(f"{inspector.about.digest} {inspector.point}")
            self.rows = {_key(row.file): row for row in _recovered(folder / LINES)}
        self.chosen: set[str] | None = None  # None: every file

    def choose(self, files: Iterable[str]) -> None:
        """Speak of these files from now on: others may have been judged into this folder before."""
        self.chosen = {_key(file) for file in files}

    @property
    def shown(self) -> list[Row]:
        """The rows of the chosen files, as far as they are judged."""
        return [row for key, row in self.rows.items() if self.chosen is None or key in self.chosen]

    def has(self, file: str, digest: str) -> bool:
        """Whether the file was judged, with this content."""
        row = self.rows.get(_key(file))
        return row is not None and row.digest == digest

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other inspections out of the folder.

        Raises:
            InputError: one is writing there.
        """
        lock = FileLock(self.folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                f"another inspection is writing into {self.folder}; give another folder as --out"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def add(self, row: Row, picture: bytes | None) -> None:
        """Keep a row, and the small picture of its photo, before the next photo is judged."""
        with self.writing():
            if picture:
                with replacing(self._picture(row)) as aside:
                    aside.write_bytes(picture)
            with (self.folder / LINES).open("a", encoding="utf-8") as file:
                file.write(line(row))
        self.rows[_key(row.file)] = row

    def write_table(self) -> Path:
        """Write verdicts.csv; returns its path."""
        with self.writing(), replacing(self.folder / TABLE) as aside:
            write_table(aside, self.shown, self.classes)
        return self.folder / TABLE

    def pictures(self) -> dict[str, str]:
        """{file: path of its small picture in this folder}, of those that have one."""
        paths = {row.file: self._picture(row) for row in self.shown if not row.reason}
        return {file: path.relative_to(self.folder).as_posix() for file, path in paths.items()}

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Say in one sentence what a disk refuses.

        Raises:
            InputError: it is full, or may not be written.
        """
        try:
            yield
        except OSError as error:
            raise InputError(
                f"cannot write {error.filename or self.folder}: {error.strerror or error}; the"
                " verdicts so far are kept, and the same command goes on with the rest"
            ) from None

    def _claim(self, judge: str) -> None:
        """Refuse a folder that holds the verdicts of another judge."""
        path = self.folder / SETTINGS
        try:
            before = json.loads(path.read_text())["judge"]
        except FileNotFoundError:
            write_text(path, json.dumps({"judge": judge}))
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{path} is damaged; give another folder as --out") from None
        else:
            if before != judge:
                raise InputError(
                    f"{self.folder} holds the verdicts of another model, or at other thresholds;"
                    " give another folder as --out"
                )

    def _picture(self, row: Row) -> Path:
        return self.folder / PICTURES / f"{row.digest[:32]}.jpg"


def _key(file: str) -> str:
    """One for a file, however its path is typed."""
    return os.path.abspath(file)


def _recovered(path: Path) -> list[Row]:
    """The rows of a file; a line that was cut off is cut off for good."""
    try:
        rows = read_lines(path)
    except (ValueError, TypeError):
        raise InputError(f"{path} is damaged; give another folder as --out") from None
    complete = "".join(line(row) for row in rows)
    if path.is_file() and path.stat().st_size != len(complete.encode()):
        write_text(path, complete)
    return rows
