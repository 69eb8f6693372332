"""What the rows of a folder say together, in the table and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from anomaly.inspector.verdict import is_doubtful
from anomaly.plots.drift import drift_curves
from anomaly.runtime.files import replacing, write_text
from anomaly.types import GOOD

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE, DRIFT = "index.html", "drift.png"
SORTING = "/sorting_"  # in the names of figures that depend on the sorting threshold


class Findings(NamedTuple):
    """Of all photos together."""

    acceptance: Acceptance | None  # None where the folders name no classes
    drift: Drift | None  # None where no photo could be judged


def write(inspector: Inspector, results: Results) -> Findings:
    """Write the table and the page of the photos so far."""
    found = _findings(inspector, results.shown)
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
    accepted = (
        accept(rows, truth, inspector.classes, inspector.point, _promised(inspector))
        if truth
        else None
    )
    judged = [row for row in rows if row.score is not None]
    if not judged or not len(about.validate_scores):
        return Findings(accepted, None)
    scores = np.array([row.score for row in judged])
    share = float(np.mean([truth[row.file] != GOOD for row in judged])) if truth else None
    return Findings(
        accepted, drift(scores, *about.validate, _rejections(inspector, judged, truth), share)
    )


def _promised(inspector: Inspector) -> dict[str, float]:
    """The figures of the run; at other thresholds than its own it promised nothing of sorting."""
    same = inspector.point == inspector.about.point
    figures = inspector.about.figures
    return {name: value for name, value in figures.items() if same or SORTING not in name}


def _rejections(
    inspector: Inspector, rows: Sequence[Row], truth: Mapping[str, str] | None
) -> Rejections | None:
    """How many do not pass as good, here and of validate; of good parts alone, where they are known."""
    scores, defective = inspector.about.validate
    stopped = (scores >= inspector.point.sorting_threshold) | is_doubtful(scores, inspector.point)
    if truth:
        rows, stopped = [r for r in rows if truth[r.file] == GOOD], stopped[~defective]
    if not rows or not len(stopped):
        return None
    here = sum(row.verdict != "good" for row in rows), len(rows)
    what = "good parts" if truth else "photos"
    return Rejections(here, (int(stopped.sum()), len(stopped)), what)


def _page(inspector: Inspector, results: Results, found: Findings) -> str:
    about, rows = inspector.about, results.shown
    facts = PageFacts(
        about.name,
        about.run["id"],
        about.digest,
        datetime.now(),
        milliseconds(rows),
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
        f" {inspector.about.on_validate(point)}",
        "to a person": f"of the others, what is good with a probability below {point.reject_below:g}",
    }


def milliseconds(rows: Sequence[Row]) -> float | None:
    """The median of the time that a photo takes; None without a photo."""
    times = [row.milliseconds for row in rows if not row.reason]
    return median(times) if times else None
