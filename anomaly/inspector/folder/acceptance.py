"""Photos in class folders are an acceptance test: does the model keep what its run promised?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import fisher_exact

from anomaly.data.importers.layout import printable
from anomaly.inspector.folder.rows import Row
from anomaly.inspector.folder.words import chance, listed, photos
from anomaly.inspector.verdict import REJECTED
from anomaly.metrics import operating
from anomaly.metrics.catalogue import FIGURES, TABLE, lower_is_better
from anomaly.metrics.join import join
from anomaly.metrics.operating import OperatingPoint
from anomaly.metrics.recorded import scores_of
from anomaly.metrics.score import score
from anomaly.types import GOOD, Interval, Predictions, Scores, Truth

PART = "test"  # of the run's figures: what it promises
PROMISED = ("accuracy", "defect_accuracy", "sorting_escape_rate", "sorting_overkill_rate")
WORSE = 0.05  # a share that would be this bad by chance less often is worse than promised


@dataclass(frozen=True)
class Line:
    """A figure of the table, beside what was promised."""

    name: str
    value: float
    share: Interval | None  # of a figure that is a share of photos
    promised: float | None
    promised_share: Interval | None


@dataclass(frozen=True)
class Promise:
    """A share that was promised, and what became of it."""

    name: str
    here: Interval
    promised: Interval
    p: float  # how often a model as good as promised does as badly, or worse, by chance
    holds: bool | None  # None where nothing speaks against it, and too few photos for it

    @property
    def sentence(self) -> str:
        possible = self.here.high if lower_is_better(self.name) else self.here.low
        outcome = {
            True: "the promise holds",
            False: f"the promise does not hold ({chance(self.p)})",
            None: f"nothing speaks against the promise ({chance(self.p)}), but {possible:.3f} is possible",
        }[self.holds]
        here, promised = (f"{each.hits} of {each.total}" for each in (self.here, self.promised))
        name, meaning = _spelled(self.name).capitalize(), FIGURES[self.name].meaning
        return f"{name}: {here} here, {promised} at training ({meaning}): {outcome}."


@dataclass(frozen=True)
class Acceptance:
    """The outcome of an acceptance test."""

    truth: Mapping[str, str]  # {file: name of its folder}
    mistakes: Mapping[str, str]  # {file: escape, overkill or wrong type}
    scores: Scores  # of the photos of known classes
    lines: Sequence[Line]
    promises: Sequence[Promise]
    sentence: str  # whether all promises hold
    remarks: Sequence[str]  # about photos that are not in the table

    @property
    def holds(self) -> bool | None:
        """Whether no promise is broken; None where no promise can be checked."""
        return _all_hold(self.promises)

    @property
    def texts(self) -> list[str]:
        """Everything but the table, in sentences."""
        return [self.sentence, *(promise.sentence for promise in self.promises), *self.remarks]


def truth_of(files: Iterable[str], classes: Sequence[str]) -> dict[str, str] | None:
    """{file: name of the folder that directly holds it}; None if the folders name no classes.

    They do if every photo lies in a folder that is named as a class of the model or lies beside
    one that is. So `test/good` and `test/dent` name classes, also if the model knows no dent;
    `good` alone does; `2026-11-27/camera1` does not, even if `reference/good` is judged with it.
    """
    folders = {file: Path(file).parent for file in files}
    parents = {folder.parent for folder in folders.values() if folder.name in classes}
    named = all(folder.name and folder.parent in parents for folder in folders.values())
    return {file: folder.name for file, folder in folders.items()} if folders and named else None


def accept(
    rows: Sequence[Row],
    truth: Mapping[str, str],
    classes: Sequence[str],
    point: OperatingPoint,
    figures: Mapping[str, float],
) -> Acceptance:
    """Score the judged photos as a run scores its test part, and compare with its figures.

    Args:
        rows: one for each file.
        truth: `truth_of` these files.
        classes: of the model, good first.
        point: by which the photos were judged.
        figures: of the model's run, as in scores.json; those of its test part are the promise.
    """
    judged = [row for row in rows if not row.reason]
    known = [row for row in judged if truth[row.file] in classes]
    scores, promised = _scores(known, truth, classes, point), scores_of(figures, PART)
    promises = compare(scores.intervals, promised.intervals)
    mistakes = {row.file: mistake(row, truth[row.file], classes) for row in judged}
    return Acceptance(
        truth,
        {file: what for file, what in mistakes.items() if what},
        scores,
        [_line(name, scores, promised) for name in TABLE if name in scores.values],
        promises,
        _overall(promises, len(known)),
        [*_unknown(judged, truth, classes), *_unreadable(len(rows) - len(judged))],
    )


def mistake(row: Row, true: str, classes: Sequence[str]) -> str:
    """What is wrong with a verdict: escape, overkill, wrong type, or empty if nothing is."""
    if row.verdict == "good":
        return "" if true == GOOD else "escape"
    if row.verdict not in REJECTED:
        return ""
    if true == GOOD:
        return "overkill"
    return "wrong type" if row.defect and true in classes and row.defect != true else ""


def _scores(
    rows: Sequence[Row], truth: Mapping[str, str], classes: Sequence[str], point: OperatingPoint
) -> Scores:
    if not rows:
        return Scores({}, {}, {}, None)
    ids = tuple(row.file for row in rows)
    proba = np.array([[row.probabilities[name] for name in classes] for row in rows], np.float64)
    labels = np.array([classes.index(truth[file]) for file in ids], np.int64)
    no_masks = np.zeros((len(ids), 1, 1), np.uint8)
    true = Truth(ids, tuple(classes), labels, no_masks)
    joined = join(Predictions(ids, tuple(classes), proba), true)
    return score(joined, operating.decisions(joined, point))


def _line(name: str, scores: Scores, promised: Scores) -> Line:
    here, there = (each.intervals.get(name) for each in (scores, promised))
    return Line(name, scores.values[name], here, promised.values.get(name), there)


def compare(here: Mapping[str, Interval], promised: Mapping[str, Interval]) -> list[Promise]:
    """The shares that can be promised, {name: share}, of those that both have."""
    return [
        _promise(name, here[name], promised[name])
        for name in PROMISED
        if name in here and name in promised and promised[name].total
    ]


def _promise(name: str, here: Interval, promised: Interval) -> Promise:
    """It holds where even the worse end of the interval here is within that of the promise."""
    low = lower_is_better(name)
    p = _worse(here.hits, here.total, promised, low)
    within = here.high <= promised.high if low else here.low >= promised.low
    return Promise(name, here, promised, p, False if p < WORSE else within or None)


def _worse(hits: int, total: int, promised: Interval, lower_is_better: bool) -> float:
    """The p of Fisher's one-sided exact test that a share is worse than the promised one.

    Source: R. A. Fisher, "The logic of inductive inference", JRSS 98 (1935).
    """
    table = [[hits, total - hits], [promised.hits, promised.total - promised.hits]]
    alternative = "greater" if lower_is_better else "less"
    return float(fisher_exact(table, alternative=alternative).pvalue)


def _all_hold(promises: Sequence[Promise]) -> bool | None:
    outcomes = {promise.holds for promise in promises} - {None}
    return all(outcomes) if outcomes else None


def _overall(promises: Sequence[Promise], count: int) -> str:
    if not promises:
        return f"Nothing that was promised can be compared on {photos(count)}."
    by: dict[bool | None, list[str]] = {outcome: [] for outcome in (True, False, None)}
    for promise in promises:
        by[promise.holds].append(_spelled(promise.name))
    if by[False]:
        return f"The promise does not hold on {photos(count)} for {listed(by[False])}."
    if not by[None]:
        return f"The promise holds on {photos(count)}."
    shown = f"shown for {listed(by[True])}, not yet for" if by[True] else "too few to show it for"
    return f"Nothing speaks against the promise on {photos(count)}: {shown} {listed(by[None])}."


def _unknown(rows: Sequence[Row], truth: Mapping[str, str], classes: Sequence[str]) -> list[str]:
    """What became of photos in folders that are no class of the model."""
    unknown = [row for row in rows if truth[row.file] not in classes]
    if not unknown:
        return []
    folders = Counter(truth[row.file] for row in unknown)
    names = listed([f"{printable(name)} ({count})" for name, count in sorted(folders.items())])
    through = sum(row.verdict == "good" for row in unknown)
    return [
        f"{photos(len(unknown))} in folders that are no class of the model, {names}: "
        f"{through} let through as good. They are not in the table."
    ]


def _unreadable(count: int) -> list[str]:
    return [f"{photos(count)} without a judgement, not in the table."] if count else []


def _spelled(name: str) -> str:
    return name.replace("_", " ")
