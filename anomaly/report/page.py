"""The page: a section for each category, a table and a chart for each group, pictures for each run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from anomaly.plots.bars import bars
from anomaly.report.evidence import Evidence
from anomaly.report.groups import Group
from anomaly.report.labels import differing, settings
from anomaly.report.markup import Html, element, together
from anomaly.report.pictures import Album, figure_uri
from anomaly.report.runs import Row
from anomaly.report.table import number, table
from anomaly.run.summary import ROWS

STYLE = Path(__file__).with_name("page.css")
ROOM = 8_000_000  # characters of all runs' pictures together: the page can still be mailed
CHARTED = ("accuracy", "defect_accuracy")
BARS = 40  # runs in a chart; more would be a wall
# A browser that obeys this fetches nothing, whatever a later edit of the page may forget.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

Categories = Mapping[str, Sequence[Group]]


def page(
    categories: Categories, evidence: Mapping[str, Evidence], metric: str, uri: str, made: datetime
) -> str:
    """The whole document.

    Args:
        evidence: of every run, by its id.
        metric: what the groups are ordered by.
        uri: the store the runs come from; a password in it is left out.
    """
    room = ROOM // max(1, len(categories))
    sections = [
        _category(number, name, groups, evidence, metric, Album(room))
        for number, (name, groups) in enumerate(categories.items(), 1)
    ]
    runs = sum(len(group.rows) for groups in categories.values() for group in groups)
    store = re.sub(r"//[^/@]*@", "//", uri)
    origin = f"{_many(runs, 'finished run')} of {store}, read on {made:%Y-%m-%d %H:%M}."
    header = element("header", element("h1", "Runs side by side"), element("p", origin))
    main = element("main", *sections, _glossary())
    return _document(together(header, _contents(categories), main))


def _document(body: Html) -> str:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", "Runs side by side"),
        element("style", Html(STYLE.read_text(encoding="utf-8"))),
    )
    return "<!doctype html>\n" + element("html", head, element("body", body), lang="en") + "\n"


def _contents(categories: Categories) -> Html:
    if len(categories) < 2:
        return Html("")
    links = [
        element("li", element("a", name, href=f"#category-{number}"))
        for number, name in enumerate(categories, 1)
    ]
    return element("nav", element("ul", *links), aria_label="categories")


def _category(
    number: int,
    name: str,
    groups: Sequence[Group],
    evidence: Mapping[str, Evidence],
    metric: str,
    album: Album,
) -> Html:
    alone = all(group.single_fold for group in groups)
    shown = []
    for group in groups:
        heading = element("h3", group.title)
        content = _group(name, group, evidence, metric, album)
        if group.single_fold and not alone:  # their pooled run says more
            shown.append(element("details", element("summary", heading), content, class_="fold"))
        else:
            shown.append(element("section", heading, content))
    return element("section", element("h2", name), *shown, id=f"category-{number}")


def _group(
    category: str, group: Group, evidence: Mapping[str, Evidence], metric: str, album: Album
) -> Html:
    order = element("p", _order(metric))
    runs = [_run(group, row, evidence[row.id], album) for row in group.rows]
    return together(order, table(group, metric), _test(group), _chart(category, group), *runs)


def _order(metric: str) -> str:
    part, _, figure = metric.replace("_", " ").partition("/")
    if part == "val":
        return f"Ordered by {figure} on validation, which chooses; test only reports."
    return (
        f"Ordered by {metric}: whoever stands first was lucky in part."
        " Choose by a validation figure."
    )


def _test(group: Group) -> Html:
    """What p means, and how far many of them can be trusted."""
    count = len(group.comparisons)
    if not count:
        return Html("")
    text = (
        "p: McNemar's exact test on the same images against"
        f" {group.labels[group.reference.id]}. 3 : 12 are 3 images that only this run named"
        " right, and 12 that only the other did."
    )
    if count > 1:
        text += (
            f" Of {count} comparisons between equals, one in 20 still falls below 0.05:"
            f" trust p below {0.05 / count:.2g} (Bonferroni)."
        )
    return element("p", text, class_="note")


def _chart(category: str, group: Group) -> Html:
    rows = group.rows[:BARS]
    series = {name: [row.share(f"test/{name}") for row in rows] for name in CHARTED}
    if len(rows) < 2 or not any(share for shares in series.values() for share in shares):
        return Html("")
    names = [f"{place} {group.labels[row.id]}" for place, row in enumerate(rows, 1)]
    first = f", the first {BARS} runs" if len(group.rows) > BARS else ""
    title = f"{category}: named right on test{first}"
    picture = figure_uri(bars(names, series, title))
    told = f"Bar chart of test accuracy and defect accuracy of {_many(len(names), 'run')}"
    return element("img", src=picture, alt=f"{told}; the table has the same figures", class_="bars")


def _run(group: Group, row: Row, evidence: Evidence, album: Album) -> Html:
    place, label = group.rows.index(row) + 1, group.labels[row.id]
    accuracy = number(row.metrics.get("test/accuracy"))
    summary = element("summary", element("b", str(place)), f" {label}: accuracy {accuracy}")
    pictures = {"Confusion matrix": evidence.confusion, "Worst mistakes": evidence.worst}
    shown = [_picture(what, picture, label, row, album) for what, picture in pictures.items()]
    # A link to what lies inside opens the fold; one to the fold itself does not.
    inside = element("div", *shown, class_="pictures", id=f"run-{row.id}")
    return element("details", summary, inside, _facts(row, differing(group.rows)))


def _picture(what: str, picture: str | None, label: str, row: Row, album: Album) -> Html:
    if picture is None:
        return element("p", f"{what}: this run has no such picture.")
    if not album.takes(picture):
        return element("p", f"{what}: left out, as this page is full; see the plots of {row.id}.")
    image = element("img", src=picture, alt=f"{what} of {label} on the test part")
    return element("figure", element("figcaption", what), image)


def _facts(row: Row, keys: Sequence[str]) -> Html:
    own = settings(row)
    facts = {
        "run": row.id,
        "started": f"{row.started:%Y-%m-%d %H:%M}",
        "folder": row.tags.get("folder", ""),
        "command": row.tags.get("mlflow.note.content", "").strip("`"),
        **{key: own[key] for key in keys if key in own},
    }
    return _definitions({name: text for name, text in facts.items() if text})


def _glossary() -> Html:
    words = {name.replace("_", " "): meaning for name, meaning in ROWS.items()}
    heading = element("h2", "What the figures mean")
    intervals = (
        "Shares come with their counts and 95 % intervals (Wilson); IoU and AP with 95 % intervals "
        "of what they would be, were the images of each class drawn anew (bootstrap)."
    )
    return element("section", heading, element("p", intervals), _definitions(words))


def _definitions(words: Mapping[str, str]) -> Html:
    pairs = [element("div", element("dt", k), element("dd", v)) for k, v in words.items()]
    return element("dl", *pairs)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
