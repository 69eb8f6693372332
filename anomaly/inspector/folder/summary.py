"""What the rows of a folder say together: on the page, and in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from anomaly.inspector.folder.acceptance import Acceptance, accept, truth_of
from anomaly.inspector.folder.drift import Drift, Rejections, drift
from anomaly.inspector.folder.page import PageFacts, page
from anomaly.inspector.folder.results import Results
from anomaly.inspector.folder.rows import Row
from anomaly.inspector.inspector import Inspector
from anomaly.inspector.verdict import REJECTED
from anomaly.plots.drift import drift_curves
from anomaly.runtime.files import replacing, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE, DRIFT = "index.html", "drift.png"


class Findings(NamedTuple):
    """Of all photos together."""

    acceptance: Acceptance | None  # None where the folders name no classes
    drift: Drift | None  # None where no photo could be judged


def conclude(inspector: Inspector, results: Results) -> None:
    """Write the table and the page, and print the summary."""
    found = write(inspector, results)
    for what, text in _lines(inspector, results, found):
        print(f"{what:<11}{text}")


def write(inspector: Inspector, results: Results) -> Findings:
    """Write the table and the page of the photos so far."""
    rows = list(results.rows.values())
    found = _findings(inspector, rows)
    results.write_table()
    with results.writing():
        if found.drift:
            with replacing(results.folder / DRIFT) as aside:
                _drawn(found.drift).savefig(aside, format="png")
        write_text(results.folder / PAGE, _page(inspector, results, found))
    return found


def _drawn(drift: Drift) -> Figure:
    title = f"Scores of these {drift.photos} photos against validate's"
    return drift_curves(*drift.curves, drift.defects, title)


def _findings(inspector: Inspector, rows: Sequence[Row]) -> Findings:
    about, truth = inspector.about, truth_of([row.file for row in rows], inspector.classes)
    accepted = truth and accept(rows, truth, inspector.classes, inspector.point, about.figures)
    scores = np.array([row.score for row in rows if row.score is not None])
    if not len(scores) or not len(about.validate_scores):
        return Findings(accepted or None, None)
    rejections = None if accepted else _rejections(inspector, rows)
    return Findings(accepted or None, drift(scores, *about.validate, rejections))


def _rejections(inspector: Inspector, rows: Sequence[Row]) -> Rejections:
    """How many are sorted out, here and of validate's good parts."""
    judged = [row for row in rows if not row.reason]
    scores, defective = inspector.about.validate
    goods = scores[~defective]
    return Rejections(
        (sum(row.verdict in REJECTED for row in judged), len(judged)),
        (int((goods >= inspector.point.sorting_threshold).sum()), len(goods)),
    )


def _page(inspector: Inspector, results: Results, found: Findings) -> str:
    about, rows = inspector.about, list(results.rows.values())
    facts = PageFacts(
        about.name,
        about.run["id"],
        about.digest,
        datetime.now(),
        _milliseconds(rows),
        thresholds(inspector),
        results.folder,
    )
    sentences = found.drift.sentences if found.drift else []
    picture = DRIFT if found.drift else ""
    return page(rows, facts, results.pictures(), found.acceptance, sentences, picture)


def thresholds(inspector: Inspector) -> dict[str, str]:
    """{what: its value, and what it means on validate}."""
    point = inspector.point
    return {
        "sorted out": f"from a probability of a defect of {point.sorting_threshold:.3g}:"
        f" {inspector.about.on_validate(point.sorting_threshold)}",
        "to a person": f"where no class is at least {point.reject_below:g} probable",
    }


def _milliseconds(rows: Sequence[Row]) -> float | None:
    times = [row.milliseconds for row in rows if not row.reason]
    return median(times) if times else None


def _lines(inspector: Inspector, results: Results, found: Findings) -> list[tuple[str, str]]:
    about, rows = inspector.about, list(results.rows.values())
    time = _milliseconds(rows)
    accepted = found.acceptance
    return [
        ("model", f"{about.name} (run {about.run['id']}, bundle {about.digest[:12]})"),
        ("photos", _counts(rows)),
        *([] if time is None else [("time", f"{time:.0f} ms a photo (median)")]),
        *thresholds(inspector).items(),
        *(("acceptance", text) for text in (accepted.texts if accepted else ())),
        *(("drift", text) for text in (found.drift.sentences if found.drift else ())),
        ("page", str(results.folder / PAGE)),
        ("table", str(results.folder / "verdicts.csv")),
    ]


def _counts(rows: Sequence[Row]) -> str:
    """Such as "3: 1 good, 1 scratch, 1 to a person, 1 unreadable"."""
    names = Counter("unreadable" if row.reason else row.defect or row.verdict for row in rows)
    listed = [f"{count} {name.replace('_', ' ')}" for name, count in names.most_common()]
    return f"{len(rows)}: {', '.join(listed)}" if rows else "none"
