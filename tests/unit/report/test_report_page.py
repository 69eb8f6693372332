"""The page is well-formed, fetches nothing, and shows every name that a user chose as text."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from jinja2 import UndefinedError
from outline import Outline

from anomaly.report import page as module
from anomaly.report.artifacts import Artifacts
from anomaly.report.groups import arrange
from anomaly.report.page import TEMPLATES, page
from anomaly.report.table import DASH

PICTURE = "data:image/png;base64,AAAA"
WICKED = "<script>alert('1')</script>"
QUOTES = 'R&D "best" \'run\' <b> onload="x" {{ 7 * 7 }} {% if %} &amp;'
# All that a page may hold: anything else was made by a name.
PLAIN = {
    *("head", "title", "style", "body", "header", "main", "ul", "li", "h1", "h2", "h3", "table"),
    *("thead", "tbody", "tr", "td", "b", "small", "summary", "figure", "figcaption"),
    *("dl", "dt", "dd"),
}
ATTRIBUTES = {
    "html": {"lang"},
    "meta": {"charset", "http-equiv", "name", "content"},
    "nav": {"aria-label"},
    "section": {"id"},
    "details": {"class"},
    "div": {"class", "id", "tabindex", "role", "aria-label"},
    "p": {"class"},
    "th": {"scope", "title"},
    "a": {"href"},
    "img": {"src", "alt", "class"},
}


@pytest.fixture
def written(make):
    """written(*rows) is the page of one category of them; the first is right, the others less so."""

    def write(*rows, metric="val/accuracy", picture=PICTURE, uri="sqlite:////x/mlflow.db") -> str:
        outcomes = {
            row.id: {str(image): image >= place for image in range(9)}
            for place, row in enumerate(rows)
        }
        groups = arrange(rows, outcomes, metric, None)
        artifacts = {row.id: Artifacts({}, picture, picture) for row in rows}
        return page({rows[0].category: groups}, artifacts, metric, uri, datetime(2026, 11, 24))

    return write


@pytest.fixture
def wicked(make, written) -> str:
    given = {"folder": WICKED, "mlflow.note.content": QUOTES, "ensemble": WICKED}
    rows = [
        make(id, name=name, category=QUOTES, val=0.9, accuracy=(9, 10), split=WICKED[:8],
             params={WICKED: QUOTES + id, QUOTES: WICKED + id}, **given)
        for id, name in {"a1": QUOTES, "b2": QUOTES, "c3": WICKED}.items()
    ]  # fmt: skip
    return written(*rows, uri=f"sqlite:////{QUOTES}/mlflow.db")


def test_the_page_is_well_formed_and_its_headings_are_in_order(wicked):
    levels = [int(tag[1]) for tag, _ in Outline(wicked).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def test_names_that_users_chose_become_neither_elements_nor_attributes(wicked):
    for tag, attributes in Outline(wicked).elements:
        assert tag in PLAIN | ATTRIBUTES.keys()
        assert attributes.keys() <= ATTRIBUTES.get(tag, set())
    assert "<script" not in wicked.lower()


def test_names_that_users_chose_are_shown_as_they_are(wicked):
    """Also those that look like a template, or like text that was escaped already."""
    outline = Outline(wicked)
    texts = {element: "".join(t for tag, t in outline.texts if tag == element)
             for element in ("h2", "h3", "a", "small", "summary", "dt", "dd", "p")}  # fmt: skip
    assert texts["h2"].startswith(QUOTES) and f"Split {WICKED[:8]}:" in texts["h3"]
    for element in ("a", "summary", "dt", "dd"):
        assert QUOTES in texts[element] and WICKED in texts[element]
    assert f"ensemble: {WICKED}" in texts["small"] and f"{QUOTES}/mlflow.db" in texts["p"]
    assert any(QUOTES in alt for alt in outline.attributes("img", "alt"))
    (label,) = outline.attributes("div", "aria-label")
    assert f"Split {WICKED[:8]}:" in label


def test_a_name_that_the_page_needs_and_does_not_get_is_an_error():
    with pytest.raises(UndefinedError, match="'runs' is undefined"):
        TEMPLATES.get_template("page.html").render()


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


def test_every_picture_has_a_text_for_who_cannot_see_it(wicked):
    outline = Outline(wicked)
    texts = outline.attributes("img", "alt")
    assert len(texts) == len(outline.attributes("img", "src")) == 7  # a chart, and two of each run
    assert all(len(text) > 20 for text in texts)


def cells(text: str) -> list[list[str]]:
    """The table's rows below its head, as the lines of each cell."""
    body = re.search("<tbody>(.*?)</tbody>", text, re.S)[1]
    rows = re.findall("<tr>(.*?)</tr>", body, re.S)
    inside = [re.findall("<td>(.*?)</td>", row) for row in rows]
    return [[re.sub("</?small>+", " ", cell).strip() for cell in row] for row in inside]


def test_a_figure_comes_with_its_count_and_interval_and_a_missing_one_is_a_dash(make, written):
    first = make("a1", val=0.9, accuracy=(9, 10), metrics={"test/auroc": 0.25})
    (whole, lacking) = cells(written(first, make("b2", val=0.8)))
    assert whole == ["0.900", "0.900 9 / 10  0.596 to 0.982", "reference", "0.250"]
    assert lacking == ["0.800", DASH, "1.000 0 : 1", DASH]


def test_there_is_no_column_for_what_no_run_has(make, written):
    lone, other = make("a1", val=0.9), make("b2", val=0.8)
    heads = [
        re.findall('<th scope="col".*?>(.*?)<', text)
        for text in (written(lone), written(lone, other))
    ]
    assert heads == [["run", "accuracy"], ["run", "accuracy", "p"]]


def test_the_page_says_what_it_is_sorted_by_and_warns_of_a_test_figure(make, written):
    rows = make("a1", val=0.9, accuracy=(9, 10)), make("b2", val=0.8, accuracy=(8, 10))
    assert "Sorted by validation accuracy.\nModels are chosen on validation" in written(*rows)
    by_test = written(*rows, metric="test/accuracy")
    assert "Sorted by test accuracy.\nThe first run is partly first by luck" in by_test


def test_many_comparisons_come_with_a_warning(make, written):
    rows = [make(f"{n}", name=f"run {n}", val=1 - n / 10) for n in range(6)]
    assert "with 5 comparisons, trust only p below 0.01 (Bonferroni)" in written(*rows)
    assert "Bonferroni" not in written(*rows[:2])
    assert "McNemar" not in written(rows[0])


def test_the_page_says_so_where_a_run_has_no_pictures(make, written):
    text = written(make("a1", val=0.9), picture=None)
    assert "Confusion matrix: this run has none." in text
    assert "<img" not in text


def test_pictures_beyond_the_room_are_left_out_and_the_page_says_so(make, written, monkeypatch):
    monkeypatch.setattr(module, "ROOM", 3 * len(PICTURE))
    text = written(make("a1", val=0.9), make("b2", val=0.8))
    assert text.count(PICTURE) == 3
    assert "Worst cases: left out to keep this page small; see the plots of run b2." in text


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
