"""The page of a judged folder: the doubtful first, and no name becomes markup."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from jinja2 import UndefinedError
from outline import Outline

from anomaly.inspector.folder.acceptance import accept, truth_of
from anomaly.inspector.folder.page import HERE, TEMPLATES, PageFacts, kind, ordered, page
from anomaly.inspector.folder.rows import Row, unreadable
from anomaly.metrics.operating import OperatingPoint

WICKED = "<script>alert('1')</script>"
QUOTES = 'R&D "best" \'run\' <b onload="x"> {{ 7 * 7 }} {% if %} &amp; #a?b=%41'
HOSTILE = [
    f"in/{QUOTES}.png",
    f"in/{WICKED.replace('/', '')}.png",
    "in/javascript:alert(1)",
    "in/</script><img src=x onerror=alert(1)>.png".replace("</", "<"),
    "in/100%25?.png#x",
    "in/back\\slash\nline\t\u202egnp.exe",
    "in/\udce4nicht-utf8.png",
    "//evil.example/x.png",
]
ABOUT = PageFacts(
    "bottle-mobilenetv2",
    "0f3a",
    "0123456789abcdef" * 4,
    datetime(2026, 11, 27, 8, 5),
    43.4,
    {"sorting threshold": "0.312: on validate 0 of 9 escape"},
    Path("out"),
)


def row(file: str, verdict: str = "good", score: float | None = 0.1, defect: str = "") -> Row:
    return Row(file, verdict, defect, 0.9, score, probabilities={"good": 0.9, "bent": 0.1})


ROWS = [
    row("in/a.png", "good", 0.1),
    row("in/b.png", "good", 0.3),
    row("in/c.png", "defect", 0.8, "bent"),
    row("in/d.png", "defect", 0.9, "bent"),
    row("in/e.png", "to_person", 0.5),
    row("in/f.png", "unknown_defect", None),
    unreadable("in/g.png", "it is cut off", "", {}),
]


def names(html: str) -> list[str]:
    return [text for tag, text in Outline(html).texts if tag == "a" and text != "no picture"]


def structure(html: str) -> Counter:
    """How many elements of each kind there are, with the names of their attributes."""
    return Counter((tag, *sorted(given)) for tag, given in Outline(html).elements)


def test_the_doubtful_come_first_and_then_those_of_higher_scores():
    assert names(page(ROWS, ABOUT, {})) == [f"{name}.png" for name in "gefdcba"]


def test_the_order_does_not_depend_on_the_order_of_the_rows():
    assert ordered(ROWS[::-1]) == ordered(ROWS)


def test_the_page_says_what_was_judged_and_how():
    outline = Outline(page(ROWS, ABOUT, {}))
    assert outline.text("h1") == outline.text("title") == "7 photos judged by bottle-mobilenetv2"
    facts = outline.text("dd")
    for fact in ("in", "0f3a", "0123456789ab", "2026-11-27 08:05", "43 ms a photo", "0.312: on"):
        assert fact in facts
    assert "0123456789abc" not in facts
    counts = re.findall(r'data-show="(\w*)"[^>]*>[^<]*<b>(\d+)</b>', page(ROWS, ABOUT, {}))
    shown = {"": 7, "unreadable": 1, "to_person": 1, "unknown_defect": 1, "defect": 2, "good": 2}
    assert {name: int(count) for name, count in counts} == shown
    assert "it is cut off" in outline.text("small")


def test_without_script_it_is_a_list_with_links_to_pictures_and_photos():
    outline = Outline(page(ROWS, ABOUT, {"in/a.png": "pictures/a.jpg"}))
    links = outline.attributes("a", "href")
    assert links.count("./pictures/a.jpg") == 1
    assert {f"./../in/{name}.png" for name in "abcdefg"} <= set(links)
    assert outline.attributes("img", "src") == ["./pictures/a.jpg"]
    buttons = [given for tag, given in outline.elements if tag == "button" and "data-show" in given]
    assert all("disabled" in given for given in buttons)
    assert all("hidden" in given for tag, given in outline.elements if tag == "input")


def test_names_become_neither_elements_nor_attributes():
    plain = [row(f"in/{place}.png") for place in range(len(HOSTILE) - 1)] + [row("//a/x.png")]
    hostile = [row(file) for file in HOSTILE]
    tame = {r.file: "pictures/a.jpg" for r in plain}
    wild = {r.file: f"pictures/{QUOTES}" for r in hostile}
    about = replace(ABOUT, model=WICKED, run=QUOTES, thresholds={WICKED: QUOTES})
    written = page(hostile, about, wild, drift=[WICKED])
    assert structure(written) == structure(page(plain, ABOUT, tame, drift=["a"]))


def test_names_are_shown_as_they_are():
    rows = [row(HOSTILE[0], "defect", 0.5, WICKED), unreadable(HOSTILE[1], WICKED, "", {})]
    outline = Outline(page(rows, replace(ABOUT, model=QUOTES), {HOSTILE[0]: "a.jpg"}))
    assert QUOTES in outline.text("h1")
    assert f"{QUOTES}.png" in outline.text("a")
    assert f"defect: {WICKED}" in outline.text("b")
    assert WICKED in outline.text("small")
    assert f"{QUOTES}.png, defect: {WICKED}" in outline.attributes("img", "alt")


def test_every_address_is_relative_and_leads_to_its_file():
    rows = [row(file) for file in HOSTILE]
    pictures = {file: f"pictures/{place} %?#.jpg" for place, file in enumerate(HOSTILE)}
    outline = Outline(page(rows, ABOUT, pictures))
    addresses = outline.attributes("a", "href")
    for address in addresses:
        parts = urlsplit(address)
        assert not (parts.scheme or parts.netloc or parts.query or parts.fragment)
    paths = {os.fsdecode(unquote_to_bytes(address)) for address in addresses}
    assert {f"./{picture}" for picture in pictures.values()} <= paths
    assert {f"./{os.path.relpath(file, 'out')}" for file in HOSTILE} <= paths


def test_nothing_is_fetched_from_elsewhere_and_no_script_runs_but_the_pages():
    html = page([row(file) for file in HOSTILE], ABOUT, {}, drift=[WICKED], drift_picture="d.png")
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert script == (HERE / "page.js").read_text()
    policy = dict(
        part.split(" ", 1) for part in re.search('Policy" content="([^"]*)"', html)[1].split("; ")
    )
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert policy["script-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == "'none'" and policy["img-src"] == "'self' file:"
    assert not re.search(r"innerHTML|insertAdjacent|document\.write|eval|https?:|url\(", script)
    style = html[html.index("<style>") : html.index("</style>")]
    assert not re.search(r"url\(|@import|https?:", style)


def test_it_can_be_written_whatever_the_bytes_of_a_name():
    assert "\\xe4nicht-utf8.png" in page([row(f) for f in HOSTILE], ABOUT, {}).encode().decode()


def test_photos_are_loaded_when_they_are_looked_at():
    many = [row(f"in/{place}.png") for place in range(3000)]
    html = page(many, ABOUT, {r.file: "pictures/a.jpg" for r in many})
    assert html.count('loading="lazy"') == 3000 and len(html) < 3_000_000


def test_the_folder_that_all_photos_share_is_said_once():
    outline = Outline(page([row("a/in/x/1.png"), row("a/in/2.png")], ABOUT, {}))
    assert "a/in" in outline.text("dd")
    assert outline.text("small").count("in x") == 1 and "a/in" not in outline.text("small")
    mixed = Outline(page([row("a/1.png"), row("/b/2.png")], ABOUT, {}))
    assert "in a" in mixed.text("small") and "in /b" in mixed.text("small")
    assert "photos of" not in mixed.text("dt")


@pytest.mark.parametrize(("count", "outcome"), [(0, "open"), (1, "open"), (40, "broken")])
def test_an_acceptance_test_shows_its_outcome_its_table_and_its_mistakes(count, outcome):
    """Nothing promised, a promise that nothing speaks against, and one broken."""
    rows = [row(f"in/good/{k}.png") for k in range(40)]
    rows += [row(f"in/bent/{k}.png", "good", 0.4) for k in range(count)]
    rows += [row(f"in/{WICKED.replace('/', '')}/1.png")]
    classes = ("good", "bent")
    figures = {"test/accuracy": 1.0, "test/accuracy_count": 99.0}
    figures |= {"test/accuracy_low": 0.97, "test/accuracy_high": 1.0} if count else {}
    truth = truth_of([r.file for r in rows], classes)
    outline = Outline(
        page(rows, ABOUT, {}, accept(rows, truth, classes, OperatingPoint(1, 0.5, 0), figures))
    )
    assert f"outcome {outcome}" in outline.attributes("p", "class")
    cells = [text for tag, text in outline.texts if tag == "td"]
    assert f"{40 / (40 + count):.3f}" in cells and "1.000" in cells
    assert sum("data-mistake" in given for _, given in outline.elements) == count + 1
    assert outline.texts.count(("b", "escape")) == count + 1
    assert "1 photo in folders that are no class" in outline.text("li")


def test_drift_is_a_sentence_and_a_picture():
    assert "Against validate" not in page(ROWS, ABOUT, {})
    outline = Outline(page(ROWS, ABOUT, {}, drift=["They differ."], drift_picture="my drift.png"))
    assert "They differ." in outline.text("p")
    assert outline.attributes("img", "src") == ["./my%20drift.png"]


def test_a_folder_without_a_photo_has_a_page_too():
    assert "0 photos judged by" in Outline(page([], ABOUT, {})).text("h1")


def test_a_name_that_the_page_needs_and_does_not_get_is_an_error():
    with pytest.raises(UndefinedError, match="'script_digest' is undefined"):
        TEMPLATES.get_template("page.html").render()


def test_a_file_without_a_judgement_is_not_one_that_a_person_was_asked_about():
    assert kind(ROWS[-1]) == "unreadable" and kind(ROWS[4]) == "to_person"
