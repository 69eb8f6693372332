"""The summary of an inspection that ends in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from anomaly.inspector.folder.acceptance import Acceptance
from anomaly.inspector.folder.results import Results
from anomaly.inspector.folder.rows import TABLE, Row
from anomaly.inspector.folder.summary import PAGE, Findings, milliseconds, thresholds
from anomaly.inspector.folder.words import one_line
from anomaly.inspector.inspector import Inspector
from anomaly.types import Interval

WIDE = 110  # characters of a terminal that has room for the promise's intervals


def print_summary(inspector: Inspector, results: Results, found: Findings) -> None:
    """The acceptance table, if it was a test, then lines of (what, text)."""
    console = Console(soft_wrap=True)
    if found.acceptance:
        console.print(_table(found.acceptance, console.width >= WIDE))
    for what, text in _lines(inspector, results, found):
        console.print(f"{what:<12} {text}", highlight=False, markup=False)


def _table(acceptance: Acceptance, wide: bool) -> Table:
    """As wide as a terminal; the promise's intervals where there is room."""
    title = "Acceptance test: these photos against what the model's run promised"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("metric", no_wrap=True)
    ends = ("promised", "images", *(["95 % interval"] if wide else []))
    for column in ("here", "photos", "95 % interval", *ends):
        table.add_column(column, justify="right", no_wrap=True)
    for line in acceptance.lines:
        promised = "" if line.promised is None else f"{line.promised:.3f}"
        cells = [f"{line.value:.3f}", *_evidence(line.share), promised]
        cells += _evidence(line.promised_share)[: 2 if wide else 1]
        table.add_row(line.name, *cells)
    return table


def _evidence(share: Interval | None) -> tuple[str, str]:
    return (f"{share.hits}/{share.total}", str(share.spread)) if share else ("", "")


def _lines(inspector: Inspector, results: Results, found: Findings) -> Iterator[tuple[str, str]]:
    about, rows = inspector.about, results.shown
    yield "model", f"{about.name} (run {about.run['id']}, bundle {about.digest[:12]})"
    yield "photos", _counts(rows)
    if (time := milliseconds(rows)) is not None:
        yield "time", f"{time:.0f} ms a photo (median)"
    yield from thresholds(inspector).items()
    for text in found.acceptance.texts if found.acceptance else _no_test(inspector, rows):
        yield "acceptance", text
    for text in found.drift.sentences if found.drift else ():
        yield "drift", text
    yield "page", one_line(str(results.folder / PAGE))
    yield "table", one_line(str(results.folder / TABLE))


def _no_test(inspector: Inspector, rows: Sequence[Row]) -> list[str]:
    """Why there was no acceptance test, where one may have been meant."""
    if not any(Path(row.file).parent.name in inspector.classes for row in rows):
        return []
    return ["no test: every photo must lie in the folder of a class, or in one beside it"]


def _counts(rows: Sequence[Row]) -> str:
    """Such as "4: 1 good, 1 scratch, 1 to person, 1 unreadable"."""
    names = Counter("unreadable" if row.reason else row.defect or row.verdict for row in rows)
    listed = [f"{count} {name.replace('_', ' ')}" for name, count in names.most_common()]
    return f"{len(rows)}: {', '.join(listed)}" if rows else "none"
