"""The page of a judged folder: every photo with its verdict, the doubtful ones first."""

from __future__ import annotations

import os
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from anomaly.data.importers.layout import printable
from anomaly.inspector.folder.rows import Row
from anomaly.inspector.folder.words import photos
from anomaly.metrics.catalogue import TABLE
from anomaly.types import Interval

if TYPE_CHECKING:
    from anomaly.inspector.folder.acceptance import Acceptance

HERE = Path(__file__).parent
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE),
    autoescape=True,  # no name that a user chose becomes markup, in text or attributes
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# What is shown of a verdict, in the order of the page: the doubtful first.
KINDS = {
    "unreadable": "unreadable",
    "to_person": "to a person",
    "unknown_defect": "unknown defect",
    "defect": "defect",
    "good": "good",
}
DIGITS = 12  # of the bundle's digest
LIKELY = 3  # classes listed for a photo


@dataclass(frozen=True)
class PageFacts:
    """What the page says about the whole folder."""

    model: str  # its name
    run: str  # that trained it
    digest: str  # of its bundle
    made: datetime
    milliseconds: float | None  # a photo
    thresholds: Mapping[str, str]  # {what: its value, and what it means on validate}
    folder: Path  # the page will lie here


class Card(NamedTuple):
    """A photo on the page."""

    kind: str  # a key of KINDS
    verdict: str  # in words
    name: str  # of the file
    place: str  # the folder it lies in
    photo: str  # address of the file
    picture: str  # address of the small picture, or empty
    facts: list[str]
    mistake: str


class Figure(NamedTuple):
    """A row of the table of the acceptance test."""

    name: str
    meaning: str
    here: list[str]  # the value, then the small lines below it
    promised: list[str]


def page(
    rows: Sequence[Row],
    about: PageFacts,
    pictures: Mapping[str, str],
    acceptance: Acceptance | None = None,
    drift: Sequence[str] = (),
    drift_picture: str = "",
) -> str:
    """The whole document, HTML.

    Args:
        rows: one for each file.
        pictures: {file: path of its small picture, from the page's folder}.
        drift: sentences about it.
        drift_picture: path from the page's folder.
    """
    script = (HERE / "page.js").read_text(encoding="utf-8")
    start = _start([row.file for row in rows])
    return TEMPLATES.get_template("page.html").render(
        title=f"{photos(len(rows))} judged by {about.model}",
        about=about,
        digest=about.digest[:DIGITS],
        start=printable(start),
        kinds=KINDS,
        counts=Counter(kind(row) for row in rows),
        cards=[_card(row, about.folder, start, pictures, acceptance) for row in ordered(rows)],
        acceptance=acceptance,
        figures=_figures(acceptance) if acceptance else [],
        drift=drift,
        drift_picture=drift_picture and _address(drift_picture),
        script=script,
        script_digest=b64encode(sha256(script.encode()).digest()).decode(),
    )


def kind(row: Row) -> str:
    """The key of KINDS: the verdict, or `unreadable` for a file without a judgement."""
    return "unreadable" if row.reason else row.verdict


def ordered(rows: Sequence[Row]) -> list[Row]:
    """By kind, the doubtful first; within a kind the higher scores first."""
    kinds = list(KINDS)
    return sorted(rows, key=lambda row: (kinds.index(kind(row)), -(row.score or 0), row.file))


def _card(
    row: Row,
    folder: Path,
    start: str,
    pictures: Mapping[str, str],
    acceptance: Acceptance | None,
) -> Card:
    file = PurePath(row.file)
    picture = pictures.get(row.file)
    return Card(
        kind(row),
        _verdict(row),
        printable(file.name),
        printable(_place(file, start)),
        _address(os.path.relpath(row.file, folder)),
        _address(picture) if picture else "",
        _facts(row),
        acceptance.mistakes.get(row.file, "") if acceptance else "",
    )


def _verdict(row: Row) -> str:
    words = KINDS[kind(row)]
    return f"{words}: {row.defect}" if row.defect else words


def _facts(row: Row) -> list[str]:
    """The reason, or the score and the most probable classes."""
    if row.reason:
        return [printable(row.reason)]
    likely = sorted(row.probabilities.items(), key=lambda pair: -pair[1])[:LIKELY]
    named = ", ".join(f"{name} {probability:.3f}" for name, probability in likely)
    score = [] if row.score is None else [f"score {row.score:.3g}"]
    return [*([named] if named else []), *score]


def _figures(acceptance: Acceptance) -> list[Figure]:
    return [
        Figure(
            line.name.replace("_", " "),
            TABLE[line.name],
            _value(line.value, line.share),
            _value(line.promised, line.promised_share),
        )
        for line in acceptance.lines
    ]


def _value(value: float | None, share: Interval | None) -> list[str]:
    if value is None:
        return ["–"]
    evidence = [f"{share.hits} / {share.total}", str(share.spread)] if share else []
    return [f"{value:.3f}", *evidence]


def _start(files: Sequence[str]) -> str:
    """The folder that all files lie in or below; empty if there is none."""
    try:
        return os.path.commonpath([os.path.dirname(file) for file in files])
    except ValueError:  # no file, or relative and absolute ones
        return ""


def _place(file: PurePath, start: str) -> str:
    """The folder of a file, from `start` on."""
    place = os.path.relpath(file.parent, start) if start else str(file.parent)
    return "" if place == "." else place


def _address(path: str) -> str:
    """A relative path as an address: no character of it has a meaning there."""
    return "./" + quote(os.fsencode(Path(path).as_posix()))
