"""An acceptance test scores as a run does, and breaks a promise only on evidence."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.stats import fisher_exact, hypergeom

from anomaly.inspector.folder.acceptance import PROMISED, accept, mistake, truth_of
from anomaly.inspector.folder.rows import Row, unreadable
from anomaly.inspector.verdict import decide
from anomaly.metrics import operating
from anomaly.metrics.intervals import wilson
from anomaly.metrics.join import join
from anomaly.metrics.operating import OperatingPoint
from anomaly.metrics.score import score
from anomaly.types import Predictions, Truth

CLASSES = ("good", "bent", "hole")
POINT = OperatingPoint(temperature=1.0, sorting_threshold=0.4, reject_below=0.45)


def figures(**shares: tuple[int, int]) -> dict[str, float]:
    """As in scores.json."""
    every: dict[str, float] = {}
    for name, (hits, count) in shares.items():
        _, _, low, high = wilson(hits, count)
        every |= {f"test/{name}": hits / count, f"test/{name}_count": float(count)}
        every |= {f"test/{name}_low": low, f"test/{name}_high": high}
    return every


TRAINED = figures(
    accuracy=(104, 105),
    defect_accuracy=(20, 21),
    sorting_escape_rate=(0, 21),
    sorting_overkill_rate=(1, 84),
)


def row(file: str, *proba: float) -> Row:
    decision, label = decide(np.array(proba), POINT)
    defect = CLASSES[label] if decision == "defect" else ""
    named = dict(zip(CLASSES, proba, strict=True))
    return Row(file, decision, defect, max(proba), 1 - proba[0], probabilities=named)


def right(label: int, count: int) -> list[Row]:
    proba = np.full(3, 0.05)
    proba[label] = 0.9
    return [row(f"in/{CLASSES[label]}/{k:03}.png", *proba) for k in range(count)]


def escapes(count: int) -> list[Row]:
    return [row(f"in/bent/escape{k:03}.png", 0.9, 0.06, 0.04) for k in range(count)]


def outcome_of(rows, promised=TRAINED):
    return accept(rows, truth_of([r.file for r in rows], CLASSES), CLASSES, POINT, promised)


@pytest.fixture
def drawn() -> list[Row]:
    generator = np.random.default_rng(0)
    proba = generator.dirichlet((1, 1, 1), 90)
    return [row(f"in/{CLASSES[k % 3]}/{k:03}.png", *each) for k, each in enumerate(proba)]


@pytest.mark.parametrize(
    "files",
    [
        ["good/1.png"],
        ["/a/b/good/1.png", "/a/b/good/2.png"],
        ["hole/1.png"],
        ["test/good/1.png", "test/bent/1.png"],
        ["test/good/1.png", "test/dent/1.png"],  # a new defect
        ["a/good/1.png", "b/hole/1.png"],
    ],
)
def test_folders_named_as_classes_or_beside_one_are_the_truth(files):
    assert truth_of(files, CLASSES) == {file: file.split("/")[-2] for file in files}


@pytest.mark.parametrize(
    "files",
    [
        [],
        ["1.png"],
        ["/1.png"],
        ["inbox/1.png"],
        ["2026-11-27/camera1/1.png", "2026-11-27/camera2/1.png"],
        ["good/2026-11-27/1.png"],  # which says nothing of the folder that holds it
        ["good/1.png", "1.png"],
        ["test/good/1.png", "test/1.png"],
        ["reference/good/1.png", "2026-11-27/camera1/1.png"],
        ["Good/1.png"],
    ],
)
def test_folders_of_production_are_no_truth(files):
    assert truth_of(files, CLASSES) is None


def test_the_table_is_the_score_of_a_run_with_these_predictions(drawn):
    outcome = outcome_of(drawn)
    ids = tuple(r.file for r in drawn)
    proba = np.array([[r.probabilities[c] for c in CLASSES] for r in drawn])
    labels = np.array([CLASSES.index(i.split("/")[1]) for i in ids])
    truth = Truth(ids, CLASSES, labels, np.zeros((90, 1, 1), np.uint8))
    joined = join(Predictions(ids, CLASSES, proba), truth)
    expected = score(joined, operating.decisions(joined, POINT))
    assert outcome.scores.values == expected.values
    assert outcome.scores.intervals == expected.intervals
    lines = {line.name: line for line in outcome.lines}
    assert set(PROMISED) < set(lines) and "iou" not in lines
    assert all(line.value == expected.values[name] for name, line in lines.items())
    assert lines["accuracy"].promised == 104 / 105
    assert lines["accuracy"].promised_share[:2] == (104, 105)
    assert lines["ece"].promised is None


def test_the_order_of_the_rows_changes_nothing(drawn):
    shuffled = random.Random(0).sample(drawn, len(drawn))
    assert outcome_of(shuffled).scores.values == outcome_of(drawn).scores.values
    assert outcome_of(shuffled).sentence == outcome_of(drawn).sentence


def test_a_promise_is_checked_by_fishers_one_sided_test():
    outcome = outcome_of(right(0, 40) + right(1, 6) + escapes(4))
    found = {promise.name: promise for promise in outcome.promises}
    assert list(found) == list(PROMISED)
    accuracy, escape = found["accuracy"], found["sorting_escape_rate"]
    assert accuracy.here[:2] == (46, 50) and escape.here[:2] == (4, 10)
    assert accuracy.p == pytest.approx(fisher_exact([[46, 4], [104, 1]], "less").pvalue)
    assert escape.p == pytest.approx(fisher_exact([[4, 6], [0, 21]], "greater").pvalue)
    # Of 155 photos with 150 right, 50 are drawn: at most 46 right.
    assert accuracy.p == pytest.approx(hypergeom(155, 150, 50).cdf(46))
    assert accuracy.holds is False and escape.holds is False
    assert found["sorting_overkill_rate"].holds is None  # 0 of 40 may be 8 %, and 6 % are promised
    assert "46 of 50 here, 104 of 105 at training" in accuracy.sentence
    assert "does not hold" in accuracy.sentence and "p = 0.0" in accuracy.sentence
    assert outcome.holds is False
    assert outcome.sentence.startswith("The promise does not hold on 50 photos for accuracy")
    assert "overkill" not in outcome.sentence


def test_who_makes_no_mistake_keeps_every_promise():
    outcome = outcome_of(right(0, 80) + right(1, 40) + right(2, 40))
    assert outcome.holds is True and not outcome.mistakes
    assert outcome.sentence == "The promise holds on 160 photos."
    assert all(promise.p == pytest.approx(1) for promise in outcome.promises)


def test_each_more_escape_makes_the_promise_less_likely():
    chances = [outcome_of(right(0, 9) + right(1, 12 - k) + escapes(k)).promises for k in range(13)]
    for name in range(3):  # accuracy, of defects, escapes
        p = [each[name].p for each in chances]
        assert p == sorted(p, reverse=True) and p[-1] < 0.001 < 0.9 < p[0]


def test_too_few_photos_neither_break_nor_keep_a_promise():
    """Of one photo even a mistake could be chance; one that is right shows nothing either."""
    few = figures(accuracy=(40, 44), sorting_overkill_rate=(2, 35))
    outcome = outcome_of(right(0, 1), few)
    assert [promise.holds for promise in outcome.promises] == [None, None]
    assert outcome.holds is None
    assert outcome.sentence.startswith("Nothing speaks against the promise on 1 photo: too few")
    assert all("nothing speaks against" in promise.sentence for promise in outcome.promises)


def test_an_escape_of_three_does_not_hold_a_promise_of_none_in_45():
    promised = figures(sorting_escape_rate=(0, 45))
    (promise,) = outcome_of(right(0, 1) + right(1, 2) + escapes(1), promised).promises
    assert promise.holds is None and "0.792 is possible" in promise.sentence


def test_what_is_not_shown_yet_is_named_beside_what_is():
    promised = figures(accuracy=(9, 10), defect_accuracy=(20, 20))
    outcome = outcome_of(right(0, 40) + right(1, 1), promised)
    assert outcome.sentence == (
        "Nothing speaks against the promise on 41 photos: shown for accuracy, not yet for"
        " defect accuracy."
    )


def test_without_figures_there_is_a_table_and_no_promise():
    outcome = outcome_of(right(0, 4), {})
    assert outcome.lines and outcome.promises == [] and outcome.holds is None
    assert outcome.sentence == "Nothing that was promised can be compared on 4 photos."


def test_photos_of_an_unknown_class_are_counted_apart():
    known = right(0, 30) + right(1, 10)
    new = [row("in/dent/0.png", 0.9, 0.05, 0.05), row("in/dent/1.png", 0.1, 0.8, 0.1)]
    new += [row("in/chip/0.png", 0.1, 0.8, 0.1)]
    outcome = outcome_of(known + new)
    assert outcome.scores.values == outcome_of(known).scores.values
    (remark,) = outcome.remarks
    assert remark.startswith(
        "3 photos in folders that are no class of the model, chip (1) and dent"
    )
    assert ": 1 let through as good." in remark
    assert outcome.mistakes == {"in/dent/0.png": "escape"}
    assert outcome.texts[0] == outcome.sentence and outcome.texts[-1] == remark
    assert len(outcome.texts) == 1 + len(outcome.promises) + 1


def test_photos_without_a_judgement_are_counted_apart():
    broken = [unreadable("in/good/x.png", "cut off", "", {})]
    outcome = outcome_of(right(0, 30) + broken)
    assert outcome.scores.intervals["accuracy"].total == 30
    assert outcome.remarks == ["1 photo without a judgement, not in the table."]
    nothing = outcome_of(broken)
    assert nothing.lines == [] and nothing.sentence.endswith("on 0 photos.")


@pytest.mark.parametrize(
    ("verdict", "defect", "true", "expected"),
    [
        ("good", "", "good", ""),
        ("good", "", "bent", "escape"),
        ("good", "", "dent", "escape"),
        ("defect", "bent", "bent", ""),
        ("defect", "hole", "bent", "wrong type"),
        ("defect", "hole", "dent", ""),  # the model cannot know it
        ("defect", "hole", "good", "overkill"),
        ("unknown_defect", "", "bent", ""),
        ("unknown_defect", "", "good", "overkill"),
        ("to_person", "", "bent", ""),
    ],
)
def test_mistakes_are_what_a_factory_calls_them(verdict, defect, true, expected):
    assert mistake(Row("a/b.png", verdict, defect), true, CLASSES) == expected
