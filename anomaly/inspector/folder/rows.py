"""The rows of a judged folder: verdicts.jsonl holds everything, verdicts.csv what a table can."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from anomaly.data.importers.layout import printable
from anomaly.inspector.verdict import Verdict
from anomaly.masks.runs import Runs, to_runs

TABLE, LINES = "verdicts.csv", "verdicts.jsonl"
COLUMNS = ("file", "verdict", "defect", "probability", "score", "reason", "milliseconds", "digest")


@dataclass(frozen=True)
class Row:
    """What is written about one file. One that cannot be read goes to a person, with the reason."""

    file: str
    verdict: str  # good, defect, unknown_defect or to_person
    defect: str = ""  # the type, or empty
    probability: float | None = None  # of the class that the verdict names
    score: float | None = None  # how unlike good parts
    reason: str = ""  # why there is no judgement
    milliseconds: float = 0.0
    digest: str = ""  # SHA-256 of the file
    probabilities: Mapping[str, float] = field(default_factory=dict)
    boxes: Sequence[Sequence[Any]] = ()  # x1, y1, x2, y2 in pixels of the photo, defect, score
    mask: Runs | None = None  # the pixels called defective, on a square over the whole photo
    model: Mapping[str, str] = field(default_factory=dict)  # name, run, digest of its bundle


def row_of(file: str, digest: str, verdict: Verdict, model: Mapping[str, str]) -> Row:
    """The row of a judged file."""
    return Row(
        file=file,
        verdict=verdict.decision,
        defect=verdict.defect or "",
        probability=verdict.probability,
        score=verdict.score,
        milliseconds=round(verdict.milliseconds, 1),
        digest=digest,
        probabilities=verdict.probabilities,
        boxes=[list(box) for box in verdict.boxes],
        mask=None if verdict.mask is None else to_runs(verdict.mask),
        model=model,
    )


def unreadable(file: str, reason: str, digest: str, model: Mapping[str, str]) -> Row:
    """The row of a file that is no photo: a person must see the part."""
    return Row(file=file, verdict="to_person", reason=reason, digest=digest, model=model)


def line(row: Row) -> str:
    """The row as one line of JSON."""
    return json.dumps(asdict(row)) + "\n"


def read_lines(path: Path) -> list[Row]:
    """The rows that are complete; a line that was cut off at the end is left out."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [Row(**json.loads(text)) for text in lines[:-1]]


def write_table(path: Path, rows: Iterable[Row], classes: Sequence[str]) -> None:
    """One line for each row, and a column for the probability of each class."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *(f"probability {name}" for name in classes)])
        for row in rows:
            values = [printable(row.file), *(getattr(row, column) for column in COLUMNS[1:])]
            values += [row.probabilities.get(name) for name in classes]
            writer.writerow(["" if value is None else value for value in values])
