"""The page is well-formed, stands alone, and shows what users named as text."""

from __future__ import annotations

import re
from datetime import datetime
from html.parser import HTMLParser

import pytest

from anomaly.report import page as module
from anomaly.report.evidence import Evidence
from anomaly.report.groups import arrange
from anomaly.report.page import page
from anomaly.report.table import DASH

VOID = {"meta", "img"}
PICTURE = "data:image/png;base64,AAAA"
WICKED = "<script>alert('1')</script>"
NAME = "R&D \"best\" 'run' <b>"


class Outline(HTMLParser):
    """A page's elements; unbalanced ones raise."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []  # (element, text)
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if data.strip():
            self.texts.append((self.open[-1], data))

    def attributes(self, tag: str, key: str) -> list[str]:
        return [given[key] for name, given in self.elements if name == tag and key in given]


@pytest.fixture
def written(make):
    """written(*rows) is the page of one category of them; the first is right, the others less so."""

    def write(*rows, metric="val/accuracy", picture=PICTURE, uri="sqlite:////x/mlflow.db") -> str:
        outcomes = {
            row.id: {str(image): image >= place for image in range(9)}
            for place, row in enumerate(rows)
        }
        groups = arrange(rows, outcomes, metric, None)
        evidence = {row.id: Evidence({}, picture, picture) for row in rows}
        return page({rows[0].category: groups}, evidence, metric, uri, datetime(2026, 11, 24))

    return write


@pytest.fixture
def wicked(make, written) -> str:
    given = {"category": WICKED, "name": NAME, "folder": WICKED, "mlflow.note.content": WICKED}
    rows = [
        make(id, val=0.9, accuracy=(9, 10), split=WICKED, params={WICKED: id}, **given)
        for id in ("a1", "b2")
    ]
    return written(*rows)


def test_the_page_is_well_formed_and_its_headings_are_in_order(wicked):
    levels = [int(tag[1]) for tag, _ in Outline(wicked).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def test_whatever_users_name_is_text(wicked):
    outline = Outline(wicked)
    assert "script" not in {tag for tag, _ in outline.elements}
    said = [text for _, text in outline.texts]
    assert WICKED in said and any(NAME in text for text in said)
    assert WICKED.lower() not in wicked.lower()


def test_nothing_is_fetched_from_anywhere(wicked):
    outline = Outline(wicked)
    assert set(outline.attributes("img", "src")) > {PICTURE}
    assert all(src.startswith("data:image/") for src in outline.attributes("img", "src"))
    assert all(link.startswith("#") for link in outline.attributes("a", "href"))
    assert not {tag for tag, _ in outline.elements} & {"link", "script", "iframe", "object"}
    assert not re.search(r"url\(|@import|https?://", wicked)


def test_links_lead_to_places_on_the_page(wicked):
    outline = Outline(wicked)
    ids = [given["id"] for _, given in outline.elements if "id" in given]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in outline.attributes("a", "href")} <= set(ids)


def test_every_picture_is_told_in_words(wicked):
    outline = Outline(wicked)
    told = outline.attributes("img", "alt")
    assert len(told) == len(outline.attributes("img", "src")) == 5  # a chart, and two of each run
    assert all(len(words) > 20 for words in told)


def cells(text: str) -> list[list[str]]:
    """The table's rows below its head, as the lines of each cell."""
    body = re.search("<tbody>(.*?)</tbody>", text, re.S)[1]
    rows = re.findall("<tr>(.*?)</tr>", body)
    inside = [re.findall("<td>(.*?)</td>", row) for row in rows]
    return [[re.sub("</?small>+", " ", cell).strip() for cell in row] for row in inside]


def test_a_figure_comes_with_its_count_and_interval_and_what_lacks_is_a_dash(make, written):
    first = make("a1", val=0.9, accuracy=(9, 10), metrics={"test/auroc": 0.25})
    (whole, lacking) = cells(written(first, make("b2", val=0.8)))
    assert whole == ["0.900", "0.900 9 / 10  0.596 to 0.982", "reference", "0.250"]
    assert lacking == ["0.800", DASH, "1.000 0 : 1", DASH]


def test_what_no_run_has_is_no_column(make, written):
    lone, other = make("a1", val=0.9), make("b2", val=0.8)
    heads = [
        re.findall('<th scope="col".*?>(.*?)<', text)
        for text in (written(lone), written(lone, other))
    ]
    assert heads == [["run", "accuracy"], ["run", "accuracy", "p"]]


def test_the_page_says_what_orders_it_and_warns_of_a_test_figure(make, written):
    rows = make("a1", val=0.9, accuracy=(9, 10)), make("b2", val=0.8, accuracy=(8, 10))
    assert "Ordered by accuracy on validation, which chooses; test only reports." in written(*rows)
    by_test = written(*rows, metric="test/accuracy")
    assert "Ordered by test/accuracy: whoever stands first was lucky in part." in by_test


def test_many_comparisons_come_with_a_warning(make, written):
    rows = [make(f"{n}", name=f"run {n}", val=1 - n / 10) for n in range(6)]
    assert (
        "Of 5 comparisons between equals, one in 20 still falls below 0.05: trust p below 0.01"
        in (written(*rows))
    )
    assert "comparisons" not in written(*rows[:2])
    assert "McNemar" not in written(rows[0])


def test_a_run_without_pictures_is_said_so(make, written):
    text = written(make("a1", val=0.9), picture=None)
    assert "Confusion matrix: this run has no such picture." in text
    assert "<img" not in text


def test_pictures_beyond_the_room_are_left_out_and_the_page_says_so(make, written, monkeypatch):
    monkeypatch.setattr(module, "ROOM", 3 * len(PICTURE))
    text = written(make("a1", val=0.9), make("b2", val=0.8))
    assert text.count(PICTURE) == 3
    assert "Worst mistakes: left out, as this page is full; see the plots of b2." in text


def test_single_folds_are_folded_away_where_their_pooled_run_says_more(make, written):
    fold = make("b2", fold="0", params={"data.folds": "3"})
    pooled = make("a1", fold="all", role="pooled", params={"data.folds": "3"})
    assert 'class="fold"' in written(pooled, fold)
    assert 'class="fold"' not in written(fold)


def test_a_password_of_the_store_is_not_shown(make, written):
    text = written(make("a1"), uri="postgresql://me:secret@host/runs")
    assert "postgresql://host/runs" in text and "secret" not in text


def test_the_chart_of_very_many_runs_shows_the_first(make, written):
    rows = [make(f"{n}", name=f"run {n}", val=-n, accuracy=(5, 9)) for n in range(41)]
    assert "defect accuracy of 40 runs" in written(*rows)
